/* context.c -- the calling-context tree: from the slots of the shadow stack to a node.
 *
 * Instrumented code writes a slot { call site, node = 0 } before each call. A slot whose node is set is valid
 * together with all slots below it, so resolving walks down to the first such slot and up again through
 * child(parent, site), leaving the nodes in the slots. The sentinel, slot 0, always has the root.
 *
 * child(parent, site): the children of a node form a ring, and the node remembers which one was looked up last.
 * That one and the one created after it are tried first: programs repeat themselves, so this is nearly always
 * right, and it stays within memory laid out in the program's own order. Next, up to HL_NARROW children are
 * simply searched. Only the children of wider nodes (an interpreter's loop, say) are in a hash table, one for
 * the whole tree: open addressing, at most half full, entries are node addresses.
 *
 * When there is no memory for a node, the caller's node stands for it: nothing is lost but detail.
 */
#include "platform.h"

HL_INLINE u32 hl_context_hash(const hl_node *parent, u32 site) {
  return ((u32)parent ^ site * 0x85ebca6bu) * 0x9e3779b1u;
}

HL_COLD int hl_contexts_double(void) {
  u32 bits = 32 - hl.contexts_shift;
  u32 length = 1u << bits, mask = length * 2 - 1;
  hl_node **table = hl_metadata_allocate(length * 2 * sizeof *table);
  if (!table) return 0;
  hl_zero(table, length * 2 * sizeof *table);
  hl_node **old = hl.contexts;
  u32 shift = hl.contexts_shift - 1;
  for (u32 i = 0; i < length; i++) {
    hl_node *node = old[i];
    if (!node) continue;
    u32 at = hl_context_hash(node->parent, node->site) >> shift;
    while (table[at]) at = (at + 1) & mask;
    table[at] = node;
  }
  hl.contexts = table;
  hl.contexts_shift = shift;
  if (old != hl_first_contexts) hl_metadata_release(old, length * sizeof *table);
  return 1;
}

HL_COLD hl_node *hl_node_new(hl_node *parent, u32 site) {
  hl_chunk *chunk = hl.last_chunk;
  if (chunk->used == chunk->capacity) {
    u32 capacity = rt.contexts < 512 ? 96 : 816; /* 2 or 16 KB together with the header */
    hl_chunk *more = hl_metadata_allocate(sizeof *more + capacity * HL_NODE_SIZE);
    if (!more && capacity > 96) more = hl_metadata_allocate(sizeof *more + (capacity = 96) * HL_NODE_SIZE);
    if (!more) return 0;
    *more = (hl_chunk){.capacity = capacity};
    chunk->next = more;
    hl.last_chunk = chunk = more;
  }
  hl_node *node = (hl_node *)(chunk + 1) + chunk->used;
  *node = (hl_node){.parent = parent, .site = site};
  chunk->used++;
  rt.contexts++;
  return node;
}

/* Children a node may have before they are hashed. */
#define HL_NARROW 8

/* The child looked up last. The lowest bit of the link tells that the node is wide. */
#define HL_WIDE 1u
HL_INLINE hl_node *hl_last_child(const hl_node *parent) { return (hl_node *)(parent->last_child & ~HL_WIDE); }
HL_INLINE void hl_set_last_child(hl_node *parent, hl_node *child) {
  parent->last_child = (u32)child | (parent->last_child & HL_WIDE);
}

static void hl_contexts_insert(hl_node *node) {
  u32 mask = (1u << (32 - hl.contexts_shift)) - 1;
  u32 at = hl_context_hash(node->parent, node->site) >> hl.contexts_shift;
  while (hl.contexts[at]) at = (at + 1) & mask;
  hl.contexts[at] = node;
  hl.contexts_used++;
}

/* Room in the table for `more` entries at half load, or at least for them and an end to every search. */
static int hl_contexts_reserve(u32 more) {
  while ((hl.contexts_used + more) * 2 > 1u << (32 - hl.contexts_shift))
    if (!hl_contexts_double()) break;
  return hl.contexts_used + more < 1u << (32 - hl.contexts_shift);
}

/* The child as the program's habits have it, or null. */
HL_INLINE hl_node *hl_child_guess(hl_node *parent, u32 site) {
  hl_node *node = hl_last_child(parent);
  if (!node) return 0;
  if (node->site == site) return node;
  node = node->next_sibling;
  if (node->site != site) return 0;
  hl_set_last_child(parent, node);
  return node;
}

/* The child where it is not the one guessed; created when it is new. */
HL_SLOW hl_node *hl_child_search(hl_node *parent, u32 site) {
  hl_node *last = hl_last_child(parent), *node;
  u32 wide = parent->last_child & HL_WIDE, children = 0;
  if (wide) {
    u32 mask = (1u << (32 - hl.contexts_shift)) - 1;
    u32 at = hl_context_hash(parent, site) >> hl.contexts_shift;
    for (; (node = hl.contexts[at]); at = (at + 1) & mask)
      if (node->parent == parent && node->site == site) {
        hl_set_last_child(parent, node);
        return node;
      }
    if (!hl_contexts_reserve(1)) return parent;
  } else if (last) {
    node = last;
    do {
      if (node->site == site) {
        hl_set_last_child(parent, node);
        return node;
      }
      children++;
      node = node->next_sibling;
    } while (node != last);
    if (children == HL_NARROW && !hl_contexts_reserve(HL_NARROW + 1)) return parent;
  }
  node = hl_node_new(parent, site);
  if (!node) return parent;
  if (last) {
    node->next_sibling = last->next_sibling;
    last->next_sibling = node;
  } else {
    node->next_sibling = node;
  }
  hl_set_last_child(parent, node);
  if (wide) {
    hl_contexts_insert(node);
  } else if (children == HL_NARROW) {
    parent->last_child |= HL_WIDE;
    for (hl_node *child = node->next_sibling; child != node; child = child->next_sibling) hl_contexts_insert(child);
    hl_contexts_insert(node);
  }
  return node;
}

HL_INLINE hl_node *hl_child(hl_node *parent, u32 site) {
  hl_node *node = hl_child_guess(parent, site);
  return HL_LIKELY(node) ? node : hl_child_search(parent, site);
}

HL_SLOW hl_node *hl_context_resolve(void) {
  hl_slot *top = rt.top;
  hl_slot *slot = top;
  while (!slot->node) slot--;
  hl_node *node = slot->node;
  while (slot < top) {
    slot++;
    u32 site = slot->site;
    if (site == HL_SITE_HOST_PENDING) {
      u32 id = rt.flags & HL_FLAG_HOST_FRAMES ? heapline_host_stack() : 0;
      site = HL_SITE_HOST_FLAG | id;
    }
    /* All frames too deep for the shadow stack share its last slot. */
    if (slot == HL_LAST_SLOT) node = hl_child(node, HL_SITE_TRUNCATED);
    slot->node = node = hl_child(node, site);
  }
  return node;
}

/* The node of the innermost call site, which belongs to the caller of malloc, so that a later call writes the
 * slot anew and leaving the node there is of no use. (A pending host entry is never guessed: no node has that
 * site. Nor is a child through the last slot: the pseudo node stands between.) */
HL_INLINE hl_node *hl_context(void) {
  hl_slot *top = rt.top;
  hl_node *node = top->node;
  if (node) return node;
  hl_node *parent = top[-1].node;
  if (HL_LIKELY(parent)) {
    node = hl_child_guess(parent, top->site);
    if (HL_LIKELY(node)) return node;
  }
  return hl_context_resolve();
}

HL_COLD hl_account *hl_account_new(hl_node *node) {
  hl_account *account = hl_metadata_allocate(sizeof *account);
  if (account) {
    *account = (hl_account){.node = node};
    return node->account = account;
  }
  while (!node->account) node = node->parent;
  return node->account;
}

HL_INLINE hl_account *hl_account_of(hl_node *node) {
  return HL_LIKELY(node->account) ? node->account : hl_account_new(node);
}
