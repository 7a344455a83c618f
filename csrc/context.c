/* context.c -- the calling-context tree: from the slots of the shadow stack to a node.
 *
 * Instrumented code writes a slot { call site, node = 0 } before each call. When the node of a slot is set, the slot
 * and all slots below it are valid. So resolving a context walks down to the first such slot and up again through
 * child(parent, site), and leaves the nodes in the slots. The sentinel, slot 0, always has the root.
 *
 * Programs take the same paths again and again. hl.recent remembers the ends of the paths that were resolved last, by
 * a hash of their sites and of the node where they start. Such a path is only checked, from its end down, frame by
 * frame.
 *
 * child(parent, site): the children of a node form a ring, and the node remembers which one was looked up last. That
 * child and the one created after it are tried first. Programs repeat themselves, so this is nearly always right, and
 * it stays within memory that is laid out in the program's own order. Otherwise up to HL_NARROW children are simply
 * searched. Only the children of wider nodes (an interpreter's loop, for example) are in a hash table. There is one
 * for the whole tree, with open addressing and at most half full; its entries are addresses of nodes.
 *
 * A new context is first kept as a bud (buds.c) when that is possible.
 *
 * When there is no memory for a node, its caller's node stands for it, so that only detail is lost.
 */
#include "platform.h"

HL_INLINE u32 hl_context_hash(const hl_node *parent, u32 site) {
  return ((u32)parent ^ site * 0x85ebca6bu) * 0x9e3779b1u;
}

HL_COLD void hl_contexts_initialise(void) {
  hl.contexts = hl.first_contexts;
  hl.contexts_shift = 32 - (u32)__builtin_ctz(HL_FIRST_CONTEXTS);
  hl.last_chunk = &hl_start.first_chunk.header;
  hl_slots[0].node = rt.root_node;
  rt.root_node->link = (u32)&hl.root_account | HL_NODE_LINK_ACCOUNT;
  hl.root_account.node = rt.root_node;
  hl.root_account.children = (u32)&hl_start.no_child;
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
  if (old != hl.first_contexts) hl_metadata_release(old, length * sizeof *table);
  return 1;
}

static void hl_contexts_insert(hl_node *node) {
  u32 mask = (1u << (32 - hl.contexts_shift)) - 1;
  u32 first = hl_context_hash(node->parent, node->site) >> hl.contexts_shift, at = first;
  while (hl.contexts[at]) {
    at = (at + 1) & mask;
    if (HL_UNLIKELY(at == first)) hl_damaged();
  }
  HL_ASSERT_INTERNAL(!hl_is_bud(node) && hl.contexts_used <= mask);
  hl.contexts[at] = node;
  hl.contexts_used++;
}

/* Makes room in the table for `more` entries at half load, or at least so much that every search still ends. */
static int hl_contexts_reserve(u32 more) {
  while ((hl.contexts_used + more) * 2 > 1u << (32 - hl.contexts_shift))
    if (!hl_contexts_double()) break;
  return hl.contexts_used + more < 1u << (32 - hl.contexts_shift);
}

/* The child that the program's habits suggest, or null. */
HL_INLINE hl_node *hl_child_guess(hl_node *parent, u32 site) {
  u32 *children = hl_children(parent);
  hl_node *node = hl_last_child(*children);
  if (node->site == site) return node;
  node = node->next_sibling;
  if (node->site != site) return 0;
  *children = (u32)node | (*children & HL_WIDE);
  return node;
}

/* Puts a new child behind the one that was looked up last. */
HL_INLINE void hl_ring_add(hl_node *last, hl_node *child) {
  if (last == &hl_start.no_child) {
    child->next_sibling = child;
    return;
  }
  child->next_sibling = last->next_sibling;
  last->next_sibling = child;
}

/* Turns all children of a narrow node into nodes. */
static int hl_buds_grow(u32 *children) {
  hl_node *child = hl_last_child(*children);
  for (u32 i = 0; i < HL_NARROW; i++) {
    hl_node *next = child->next_sibling;
    if (hl_is_bud(child) && !hl_bud_grow((hl_bud *)child, children)) return 0;
    child = next;
  }
  return 1;
}

/* The simple cases of hl_child_search: a child of a narrow node that was not guessed, or a new bud. The bud gets the
 * path of the `length` slots from `path` on, and *is_bud is set; with length 0 there must be no bud. Null in all
 * other cases. */
HL_INLINE hl_node *hl_child_simple(hl_node *parent, u32 site, const hl_slot *path, u32 length, int *is_bud) {
  u32 *children = hl_children(parent), count = 0;
  if (*children & HL_WIDE) return 0;
  hl_node *last = hl_last_child(*children);
  if (last != &hl_start.no_child) {
    hl_node *node = last;
    do {
      if (node->site == site) {
        *children = (u32)node;
        return node;
      }
      if (node->site == (site | HL_SITE_BUD) || ++count == HL_NARROW) return 0;
      node = node->next_sibling;
    } while (node != last);
  }
  if (!length) return 0;
  hl_node *bud = hl_bud_new(parent, path, length);
  if (!bud) return 0;
  *is_bud = 1;
  hl_ring_add(last, bud);
  *children = (u32)bud;
  return bud;
}

/* The child, a node, when it was not guessed. It is created when it is new. */
HL_SLOW hl_node *hl_child_search(hl_node *parent, u32 site) {
  u32 *children = hl_children(parent);
  u32 wide = *children & HL_WIDE, count = 0;
  hl_node *last = hl_last_child(*children), *node;
  if (wide) {
    u32 mask = (1u << (32 - hl.contexts_shift)) - 1;
    u32 first = hl_context_hash(parent, site) >> hl.contexts_shift, at = first;
    while ((node = hl.contexts[at])) {
      if (node->parent == parent && node->site == site) {
        *children = (u32)node | wide;
        return node;
      }
      at = (at + 1) & mask;
      if (HL_UNLIKELY(at == first)) hl_damaged();
    }
    if (!hl_contexts_reserve(1)) return parent;
  } else if (last != &hl_start.no_child) {
    node = last;
    do {
      if ((node->site & ~HL_SITE_BUD) == (site & ~HL_SITE_BUD)) {
        *children = (u32)node;
        if (!hl_is_bud(node)) return node;
        node = hl_bud_grow((hl_bud *)node, children);
        return node ? node : parent;
      }
      if (HL_UNLIKELY(count++ == HL_NARROW)) hl_damaged();
      node = node->next_sibling;
    } while (node != last);
    if (count == HL_NARROW && !(hl_contexts_reserve(HL_NARROW + 1) && hl_buds_grow(children))) return parent;
    last = hl_last_child(*children);
  }
  node = hl_node_new(parent, site);
  if (!node) return parent;
  hl_ring_add(last, node);
  if (wide) {
    hl_contexts_insert(node);
  } else if (count == HL_NARROW) {
    wide = HL_WIDE;
    for (hl_node *child = node->next_sibling; child != node; child = child->next_sibling) hl_contexts_insert(child);
    hl_contexts_insert(node);
  }
  *children = (u32)node | wide;
  HL_ASSERT_INTERNAL(node->parent == parent && node->site == site);
  HL_ASSERT_EXPENSIVE(hl_ring_is_valid(parent));
  return node;
}

HL_INLINE hl_node *hl_child(hl_node *parent, u32 site) {
  hl_node *node = hl_child_guess(parent, site);
  return HL_LIKELY(node) ? node : hl_child_search(parent, site);
}

/* The site of a host entry, in slot `slot`, whose stack was not asked for yet. The entries above it are not resolved
 * either. */
HL_COLD u32 hl_host_site(const hl_slot *slot) {
  if (!(rt.flags & HL_FLAG_HOST_FRAMES)) return HL_SITE_HOST_FLAG;
  u32 inner = 0;
  while (++slot <= rt.top) inner += slot->site == HL_SITE_HOST_PENDING;
  return HL_SITE_HOST_FLAG | heapline_host_stack(inner);
}

HL_SLOW hl_node *hl_context_resolve(hl_slot *top, int buds);

/* The node of the last slot, which all frames share that are too deep for the shadow stack. A pseudo node stands
 * between it and the rest. */
HL_COLD hl_node *hl_context_resolve_last(void) {
  hl_slot *slot = HL_LAST_SLOT;
  if (slot->node) return slot->node;
  hl_node *node = hl_child(hl_context_resolve(slot - 1, 0), HL_SITE_TRUNCATED);
  u32 site = slot->site;
  if (site == HL_SITE_HOST_PENDING) site = hl_host_site(slot);
  return slot->node = hl_child(node, site);
}

HL_INLINE u32 hl_rotate(u32 word, u32 bits) { return word << bits | word >> (32 - bits); }

/* Gives the slots up to `top`, none of which has a node, the nodes of the path that ends in `node`, if that is their
 * path and starts from `base`. A path that is too short ends at the root, whose site no slot has. */
HL_INLINE int hl_context_recall(hl_slot *top, hl_slot *base, hl_node *node) {
  hl_slot *slot = top;
  for (; slot > base && node->site == slot->site; slot--) {
    slot->node = node;
    node = node->parent;
  }
  if (HL_LIKELY(slot == base && node == base->node)) return 1;
  while (slot < top) (++slot)->node = 0;
  return 0;
}

/* The node of slot `top`. It resolves all slots below that are not resolved. With `buds` the node may be a bud: then
 * its slot, and those of the rest of its path, remain unresolved. */
HL_INLINE hl_node *hl_context_resolve_here(hl_slot *top, int buds) {
  HL_ASSERT(top >= hl_slots && top <= HL_LAST_SLOT);
  HL_ASSERT_INTERNAL(hl_slots[0].node == rt.root_node);
  if (HL_UNLIKELY(top == HL_LAST_SLOT)) return hl_context_resolve_last();
  hl_slot *slot = top;
  u32 hash = 0;
  for (; !slot->node; slot--) hash = hl_rotate(hash, 5) ^ slot->site;
  hl_node *node = slot->node;
  hash = (hash ^ (u32)node) * 0x9e3779b1u | 1; /* an entry never used has 0 */
  hl_recent *recent = &hl.recent[hash >> (32 - HL_RECENT_BITS)];
  if (recent->hash == hash && hl_context_recall(top, slot, recent->node)) return recent->node;
  while (slot < top) {
    slot++;
    u32 site = slot->site;
    hl_node *child = hl_child_guess(node, site);
    if (!child) {
      if (HL_UNLIKELY(site == HL_SITE_HOST_PENDING)) {
        child = hl_child(node, hl_host_site(slot));
      } else {
        u32 length = (u32)(top - slot) + 1;
        if (!buds || length > HL_BUD_SITES) length = 0;
        int is_bud = 0;
        child = hl_child_simple(node, site, slot, length, &is_bud);
        if (is_bud) return child;
        if (!child) child = hl_child_search(node, site);
      }
    }
    slot->node = node = child;
  }
  *recent = (hl_recent){.hash = hash, .node = node};
  return node;
}

HL_SLOW hl_node *hl_context_resolve(hl_slot *top, int buds) { return hl_context_resolve_here(top, buds); }

/* The context of an allocation when a look or two find it, null otherwise. It is the node of the innermost call site.
 * That slot belongs to the caller of malloc: a later call writes it anew, so leaving the node in it would be of no
 * use. A pending host entry is never guessed, because no node has that site. A child through the last slot is not
 * guessed either, because the pseudo node stands in between. */
HL_INLINE hl_node *hl_context_known(void) {
  hl_slot *top = rt.top;
  hl_node *node = top->node;
  if (node) return node;
  hl_node *parent = top[-1].node;
  return HL_LIKELY(parent) ? hl_child_guess(parent, top->site) : 0;
}

/* The context of an allocation, a node or a bud. */
HL_INLINE hl_node *hl_context(void) {
  hl_node *node = hl_context_known();
  return HL_LIKELY(node) ? node : hl_context_resolve(rt.top, 1);
}

/* The place where a block is freed: the context of the calling function, and the call site in it. This saves a
 * look-up and a node for each free. Site 0 stands for the node itself. A site has 24 bits here; a place with a larger
 * one gets a node. It is packed as a freed block keeps it (free.c): site:24 | node:28, because nodes are multiples of
 * 16 bytes. 0 when the place is not known. */
typedef u64 hl_place;

#define HL_PLACE_SITE_SHIFT 28

HL_INLINE hl_place hl_place_of(const hl_node *node, u32 site) {
  return (u32)node >> 4 | (u64)site << HL_PLACE_SITE_SHIFT;
}

/* The number of frees that may make nodes. A program may free in ever new contexts, so of a later free in a context
 * that is not resolved, only the call site is kept: hl.truncated stands for the path to it. */
#define HL_FREE_CONTEXTS 4096u

/* An entry from the host that only frees must not cost a stack of the host. While such an entry is near, the path is
 * walked each time with the host's frames unknown. A deep path asks for the host's stack and is known from then on.
 * */
HL_SLOW hl_place hl_free_place_slow(void) {
  if (!(rt.flags & HL_FLAG_FREE_CONTEXTS)) return 0;
  hl_slot *top = rt.top, *slot = top, *pending = 0;
  for (; !slot->node; slot--)
    if (slot->site == HL_SITE_HOST_PENDING) pending = slot;
  if (pending && top - pending <= 8 && (rt.flags & HL_FLAG_HOST_FRAMES)) {
    hl_node *node = slot->node;
    while (slot++ < top) node = hl_child(node, slot->site == HL_SITE_HOST_PENDING ? HL_SITE_HOST_FLAG : slot->site);
    return hl_place_of(node, 0);
  }
  u32 before = rt.contexts;
  hl_place place = top->site >> 24 || top == HL_LAST_SLOT ? hl_place_of(hl_context_resolve(top, 0), 0)
                                                          : hl_place_of(hl_context_resolve(top - 1, 0), top->site);
  if (rt.contexts != before && ++hl.free_contexts == HL_FREE_CONTEXTS)
    hl.truncated = hl_child(rt.root_node, HL_SITE_TRUNCATED);
  return place;
}

/* Without HL_FLAG_FREE_CONTEXTS a place means nothing (fault.c), and only a place that costs nothing is found. */
HL_INLINE hl_place hl_free_place(void) {
  hl_slot *top = rt.top;
  if (top->node) return hl_place_of(top->node, 0);
  hl_node *parent = top[-1].node;
  if (HL_LIKELY(parent && !(top->site >> 24) && top != HL_LAST_SLOT)) return hl_place_of(parent, top->site);
  if (HL_UNLIKELY(hl.truncated != 0)) return hl_place_of(hl.truncated, top->site >> 24 ? 0 : top->site);
  return hl_free_place_slow();
}
