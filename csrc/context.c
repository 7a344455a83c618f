/* context.c -- the calling-context tree: from the slots of the shadow stack to a node.
 *
 * Instrumented code writes a slot { call site, node = 0 } before each call. A slot whose node is set is valid
 * together with all slots below it, so resolving walks down to the first such slot and up again through
 * child(parent, site), leaving the nodes in the slots. The sentinel, slot 0, always has the root.
 *
 * child() first looks at the caller's child found last and at the one created after it: programs repeat
 * themselves, so this is nearly always right, and it stays within memory laid out in the program's own order.
 * Else it is one hash table over the whole tree: open addressing, at most half full, entries are node
 * addresses. When there is no memory for a node, the caller's node stands for it: nothing is lost but detail.
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

/* child(parent, site), created when it is new. */
HL_SLOW hl_node *hl_child(hl_node *parent, u32 site) {
  u32 mask = (1u << (32 - hl.contexts_shift)) - 1;
  u32 at = hl_context_hash(parent, site) >> hl.contexts_shift;
  for (hl_node *node; (node = hl.contexts[at]); at = (at + 1) & mask)
    if (node->parent == parent && node->site == site) return parent->last_child = node;
  if (rt.contexts * 2 > mask && !hl_contexts_double() && rt.contexts + rt.contexts / 8 > mask) return parent;
  hl_node *node = hl_node_new(parent, site);
  if (!node) return parent;
  mask = (1u << (32 - hl.contexts_shift)) - 1;
  at = hl_context_hash(parent, site) >> hl.contexts_shift;
  while (hl.contexts[at]) at = (at + 1) & mask;
  hl_node *before = parent->last_child;
  if (before) {
    node->next_sibling = before->next_sibling;
    before->next_sibling = node;
  } else {
    node->next_sibling = node;
  }
  return parent->last_child = hl.contexts[at] = node;
}

/* The child as the program's habits have it, or null. */
HL_INLINE hl_node *hl_child_guess(hl_node *parent, u32 site) {
  hl_node *node = parent->last_child;
  if (!node) return 0;
  if (node->site == site) return node;
  node = node->next_sibling;
  if (node->site != site) return 0;
  return parent->last_child = node;
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
    hl_node *child = hl_child_guess(node, site);
    slot->node = node = child ? child : hl_child(node, site);
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
