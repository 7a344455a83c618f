/* nodes.c -- memory for the calling-context tree: nodes, buds and accounts, cut from chunks that the host can walk.
 */
#include "platform.h"

/* Numbers of entries of a chunk. With the chunk's header, a few fill a small piece of metadata, and many fill a
 * metadata chunk of 16 KB. */
#define HL_NODES_FEW 124u
#define HL_NODES_MANY 1012u
#define HL_BUDS_FEW 30u
#define HL_BUDS_MANY 506u

/* Makes a chunk with room for more entries. It becomes the last one of its kind. */
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

/* Makes sure that the last chunk has room for `count` nodes. */
HL_INLINE int hl_nodes_reserve(u32 count) {
  hl_chunk *chunk = hl.last_chunk;
  return HL_LIKELY(chunk->capacity - chunk->used >= count) || hl_chunk_new(&hl.last_chunk, HL_NODE_SIZE, HL_NODES_FEW, HL_NODES_MANY);
}

HL_INLINE hl_node *hl_node_new(hl_node *parent, u32 site) {
  if (!hl_nodes_reserve(1)) return 0;
  hl_chunk *chunk = hl.last_chunk;
  hl_node *node = (hl_node *)(chunk + 1) + chunk->used++;
  HL_ASSERT(chunk->used <= chunk->capacity && !((u32)node & (HL_NODE_SIZE - 1)));
  *node = (hl_node){.parent = parent, .site = site, .link = (u32)&hl_start.no_child};
  rt.contexts++;
  return node;
}

/* A bud that is not initialised. */
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

/* The account of a node that has an account. */
HL_INLINE hl_account *hl_account_of(const hl_node *node) { return (hl_account *)(node->link - HL_NODE_LINK_ACCOUNT); }

/* Where a node keeps its children: the child that was looked up last, and HL_WIDE when the children are hashed. This
 * is the node's link until the node has an account, which then keeps the children. A call site of malloc has no
 * children; only an indirect call may have both. */

HL_INLINE u32 *hl_children(hl_node *node) {
  return HL_UNLIKELY(hl_has_account(node)) ? &hl_account_of(node)->children : &node->link;
}

/* The child that was looked up last; hl_start.no_child when there is none. */
HL_INLINE hl_node *hl_last_child(u32 children) { return (hl_node *)(children & ~HL_LINK_FLAGS); }

/* Gives a node its account; null when there is no memory. The children move from the node's link into the account. */
HL_SLOW hl_account *hl_account_new(hl_node *node) {
  if (hl.next_account == hl.end_account) {
    u32 count = rt.contexts < 512 ? 8 : 62; /* a page without its gaps */
    hl_account *more = hl_metadata_allocate(count * sizeof *more);
    if (!more) more = hl_metadata_allocate((count = 1) * sizeof *more);
    if (!more) return 0;
    hl.next_account = more;
    hl.end_account = more + count;
  }
  HL_ASSERT(!hl_has_account(node));
  hl_account *account = hl.next_account++;
  HL_ASSERT(account < hl.end_account && !((u32)account & (HL_GRAIN - 1)));
  /* Word by word, because clang makes a memory.fill and a memory.copy of an initialiser, which V8 calls out for. */
  u64 *words = (u64 *)account;
  for (u32 i = 0; i < sizeof *account / sizeof *words; i++) words[i] = 0;
  account->node = node;
  account->children = node->link;
  node->link = (u32)account | HL_NODE_LINK_ACCOUNT;
  return account;
}

/* The account of a context. When there is no memory for it, the account of the innermost caller that has one. */
HL_SLOW hl_account *hl_account_charged(hl_node *node) {
  while (!hl_has_account(node) && !hl_account_new(node))
    if (!(node = node->parent)) hl_damaged();
  return hl_account_of(node);
}
