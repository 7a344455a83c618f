/* nodes.c -- memory for the calling-context tree: nodes, buds and accounts, cut from chunks that the host can walk.
 */
#include "platform.h"

/* Entries of a chunk: a few fill a small piece of metadata with the chunk's header, many a metadata chunk of 16 KB. */
#define HL_NODES_FEW 124u
#define HL_NODES_MANY 1012u
#define HL_BUDS_FEW 30u
#define HL_BUDS_MANY 506u

/* A chunk with room for more entries, which becomes the last one of its kind. */
HL_SLOW hl_chunk *hl_chunk_new(hl_chunk **last, u32 entry, u32 few, u32 many) {
  u32 capacity = rt.contexts < 512 ? few : many;
  hl_chunk *chunk = hl_metadata_allocate(sizeof *chunk + capacity * entry);
  if (!chunk && capacity > few) chunk = hl_metadata_allocate(sizeof *chunk + (capacity = few) * entry);
  if (!chunk) return 0;
  chunk->next = 0;
  chunk->used = 0;
  chunk->capacity = capacity;
  if (*last) (*last)->next = chunk;
  return *last = chunk;
}

/* Room for `count` nodes in the last chunk. */
HL_INLINE int hl_nodes_reserve(u32 count) {
  hl_chunk *chunk = hl.last_chunk;
  return HL_LIKELY(chunk->capacity - chunk->used >= count) || hl_chunk_new(&hl.last_chunk, HL_NODE_SIZE, HL_NODES_FEW, HL_NODES_MANY);
}

HL_INLINE hl_node *hl_node_new(hl_node *parent, u32 site) {
  if (!hl_nodes_reserve(1)) return 0;
  hl_chunk *chunk = hl.last_chunk;
  hl_node *node = (hl_node *)(chunk + 1) + chunk->used++;
  *node = (hl_node){.parent = parent, .site = site, .link = (u32)&hl_no_child};
  rt.contexts++;
  return node;
}

/* Not initialised. */
HL_INLINE hl_bud *hl_bud_allocate(void) {
  hl_chunk *chunk = hl.last_bud_chunk;
  if (HL_UNLIKELY(!chunk || chunk->used == chunk->capacity)) {
    chunk = hl_chunk_new(&hl.last_bud_chunk, HL_BUD_SIZE, HL_BUDS_FEW, HL_BUDS_MANY);
    if (!chunk) return 0;
    if (!rt.first_bud_chunk) rt.first_bud_chunk = chunk;
  }
  return (hl_bud *)(chunk + 1) + chunk->used++;
}

HL_INLINE int hl_has_account(const hl_node *node) { return node->link & HL_NODE_LINK_ACCOUNT; }

/* The account of a node that has one. */
HL_INLINE hl_account *hl_account_of(const hl_node *node) { return (hl_account *)(node->link - HL_NODE_LINK_ACCOUNT); }

/* Where a node keeps its children: the one looked up last, and HL_WIDE when they are hashed. The cell is the
 * node's link, until the node has an account, which takes its place. (A call site of malloc has no children.
 * Only an indirect call may be both.) */

HL_INLINE u32 *hl_children(hl_node *node) {
  return HL_UNLIKELY(hl_has_account(node)) ? &hl_account_of(node)->children : &node->link;
}

/* The child looked up last; hl_no_child when there is none. */
HL_INLINE hl_node *hl_last_child(u32 children) { return (hl_node *)(children & ~HL_LINK_FLAGS); }

/* Gives a node its account; null when there is no memory. What the node's link held goes into the account. */
HL_SLOW hl_account *hl_account_new(hl_node *node) {
  if (hl.next_account == hl.end_account) {
    u32 count = rt.contexts < 512 ? 8 : 62; /* all of a page but the gaps */
    hl_account *more = hl_metadata_allocate(count * sizeof *more);
    if (!more) more = hl_metadata_allocate((count = 1) * sizeof *more);
    if (!more) return 0;
    hl.next_account = more;
    hl.end_account = more + count;
  }
  hl_account *account = hl.next_account++;
  /* Word by word: clang makes one memory.fill and one memory.copy of an initialiser, calls out of wasm in V8. */
  u64 *words = (u64 *)account;
  for (u32 i = 0; i < sizeof *account / sizeof *words; i++) words[i] = 0;
  account->node = node;
  account->children = node->link;
  node->link = (u32)account | HL_NODE_LINK_ACCOUNT;
  return account;
}

/* The account of a context, or when there is no memory for one, the innermost of its callers'. */
HL_SLOW hl_account *hl_account_charged(hl_node *node) {
  while (!hl_has_account(node) && !hl_account_new(node))
    if (!(node = node->parent)) hl_damaged();
  return hl_account_of(node);
}
