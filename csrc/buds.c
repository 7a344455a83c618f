/* buds.c -- contexts that have allocated only once.
 *
 * In a program whose every allocation comes from a new place (a deep recursion, for example), memory for the tree is
 * the main cost: most nodes lead to one block and are never looked up again. So a new path is first kept as one bud
 * of 32 bytes in the ring of the deepest node that exists. The bud has the rest of the path, up to HL_BUD_SITES
 * sites, and what an account would say of one block. The slots of the path's frames stay without a node meanwhile.
 * When the first site of the bud comes again, the bud grows a node for that site. When its whole path comes again,
 * the bud itself becomes a node with an account, at the same address, because its block refers to it.
 *
 * Only narrow nodes have buds (context.c), because replacing a bud takes a walk around its ring.
 */
#include "platform.h"

#define HL_BUD_SITE_MASK ((1u << HL_BUD_SITE_BITS) - 1)
#define HL_BUD_FLAGS ((1u << HL_BUD_EPOCH_SHIFT) - 1)
/* Bounds of the fields: a bud can be made while the epoch and the clock are below these. Blocks are smaller than 2^31
 * bytes, so a clock that was below its bound still fits at the end of the allocation. */
#define HL_BUD_EPOCHS (1u << (32 - HL_BUD_EPOCH_SHIFT))
#define HL_BUD_CLOCK_BITS (64 - HL_BUD_SITE_BITS)
#define HL_BUD_CLOCKS (1ull << (HL_BUD_CLOCK_BITS - 1))

HL_INLINE int hl_is_bud(const hl_node *node) { return node->site >> 30 == HL_SITE_BUD >> 30; }

HL_INLINE u32 hl_bud_length(const hl_bud *bud) { return bud->third >> HL_BUD_SITE_BITS; }

HL_INLINE u64 hl_bud_clock(const hl_bud *bud) { return bud->clock | (u64)(bud->second >> HL_BUD_SITE_BITS) << 32; }

HL_INLINE void hl_bud_set_clock(hl_bud *bud, u64 clock) {
  bud->clock = (u32)clock;
  bud->second = (bud->second & HL_BUD_SITE_MASK) | (u32)(clock >> 32) << HL_BUD_SITE_BITS;
}

/* A bud for the path of the `length` slots from `path` on, in no ring yet. Null when its fields cannot hold the path,
 * or when there is no memory. The allocation writes what the bud says of its block. */
HL_INLINE hl_node *hl_bud_new(hl_node *parent, const hl_slot *path, u32 length) {
  HL_ASSERT(length && length <= HL_BUD_SITES && !hl_is_bud(parent));
  u32 first = path->site, second = 0, third = 0;
  if (length > 1) second = path[1].site;
  if (length > 2) third = path[2].site;
  if ((first | second | third) >> HL_BUD_SITE_BITS) return 0;
  if (HL_UNLIKELY(rt.peak_epoch >= HL_BUD_EPOCHS || rt.alloc_bytes >= HL_BUD_CLOCKS)) return 0;
  hl_bud *bud = hl_bud_allocate();
  if (HL_UNLIKELY(!bud)) return 0;
  bud->node.parent = parent;
  bud->node.site = first | HL_SITE_BUD;
  bud->node.link = 0;
  bud->second = second;
  bud->third = third | length << HL_BUD_SITE_BITS;
  rt.contexts += length;
  return &bud->node;
}

/* Whether the bud's block is part of the peak. */
HL_INLINE int hl_bud_at_peak(const hl_bud *bud) {
  u32 link = bud->node.link;
  if (link >> HL_BUD_EPOCH_SHIFT == rt.peak_epoch) return !!(link & HL_BUD_PEAK);
  return (link & (HL_BUD_ALLOCATED | HL_BUD_FREED)) == HL_BUD_ALLOCATED;
}

HL_INLINE void hl_bud_ledger_allocate(hl_bud *bud, u32 size) {
  HL_ASSERT(!(bud->node.link & HL_BUD_ALLOCATED));
  u32 peak = hl_totals_allocate(size);
  if (!peak) hl.peak_dirty = 1;
  bud->size = size;
  bud->node.link = HL_BUD_ALLOCATED | (peak ? 0 : rt.peak_epoch << HL_BUD_EPOCH_SHIFT);
  hl_bud_set_clock(bud, rt.alloc_bytes);
}

/* Adds the bud's counters to an account. */
static void hl_bud_count(const hl_bud *bud, hl_account *account) {
  u32 link = bud->node.link, size = bud->size;
  hl_ledger_save_peak(account);
  if (hl_bud_at_peak(bud)) {
    account->peak_objects++;
    account->peak_bytes += size;
  }
  if (!(link & HL_BUD_ALLOCATED)) return;
  account->alloc_objects++;
  account->alloc_bytes += size;
  if (!(link & HL_BUD_FREED)) {
    account->lifetime -= (i64)hl_bud_clock(bud);
    return;
  }
  account->freed_objects++;
  account->freed_bytes += size;
  account->lifetime += (i64)hl_bud_clock(bud);
  if (link & HL_BUD_TEMPORARY) hl_ledger_temporary(account, size);
}

/* Makes a node of the first site of a bud's path. It is a new node, and the bud stays below it with the rest of the
 * path. When there is no rest, the bud itself becomes the node and gets an account. `children` is where the bud's
 * parent keeps its children. Null when there is no memory: then the bud stays as it was. */
HL_SLOW hl_node *hl_bud_grow(hl_bud *bud, u32 *children) {
  hl_node *rest = &bud->node;
  u32 length = hl_bud_length(bud), site = rest->site & ~HL_SITE_BUD;
  HL_ASSERT(hl_is_bud(rest) && length && length <= HL_BUD_SITES);
  HL_ASSERT_EXPENSIVE(hl_ring_is_valid(rest->parent));
  if (length == 1) {
    hl_bud read = *bud;
    hl_account *account = hl_account_new(rest);
    if (!account) return 0;
    account->children = (u32)&hl_start.no_child;
    hl_bud_count(&read, account);
    rest->site = site;
    return rest;
  }
  hl_node *node = hl_node_new(rest->parent, site);
  if (!node) return 0;
  rt.contexts--; /* it was counted with the bud */
  hl_node *before = rest;
  for (u32 count = 0; before->next_sibling != rest; before = before->next_sibling)
    if (count++ == HL_NARROW) hl_damaged();
  node->next_sibling = rest->next_sibling;
  before->next_sibling = node;
  if (before == rest) node->next_sibling = node;
  if ((*children & ~HL_LINK_FLAGS) == (u32)rest) *children = (u32)node;
  node->link = (u32)rest;
  rest->parent = node;
  rest->next_sibling = rest;
  rest->site = (bud->second & HL_BUD_SITE_MASK) | HL_SITE_BUD;
  bud->second = (bud->second & ~HL_BUD_SITE_MASK) | (bud->third & HL_BUD_SITE_MASK);
  bud->third = (length - 1) << HL_BUD_SITE_BITS;
  return node;
}

/* The account of an entry that was a bud. If it is still one, it grows into a node. Without memory for the node, the
 * bud's counters move to the account of a caller. */
HL_COLD hl_account *hl_bud_account(hl_bud *bud) {
  while (hl_is_bud(&bud->node)) {
    if (hl_bud_grow(bud, hl_children(bud->node.parent))) continue;
    hl_account *account = hl_account_charged(bud->node.parent);
    hl_bud_count(bud, account);
    bud->node.link = 0;
    return account;
  }
  return hl_account_of(&bud->node);
}

/* A block is freed whose context was a bud and may still be one. `serial` is the block's. */
HL_SLOW void hl_bud_ledger_free(hl_bud *bud, u32 size, u32 serial) {
  if (!hl_is_bud(&bud->node)) {
    hl_ledger_free_from(hl_account_of(&bud->node), size, serial);
    return;
  }
  if (HL_UNLIKELY(rt.peak_epoch >= HL_BUD_EPOCHS || rt.alloc_bytes >> HL_BUD_CLOCK_BITS)) {
    /* The fields of a bud are too small by now. */
    hl_ledger_free_from(hl_bud_account(bud), size, serial);
    return;
  }
  u32 link = bud->node.link;
  HL_ASSERT((link & (HL_BUD_ALLOCATED | HL_BUD_FREED)) == HL_BUD_ALLOCATED && bud->size == size);
  if (link >> HL_BUD_EPOCH_SHIFT != rt.peak_epoch) {
    link = (link & HL_BUD_FLAGS) | HL_BUD_PEAK | rt.peak_epoch << HL_BUD_EPOCH_SHIFT;
    hl.peak_dirty = 1;
  }
  link |= HL_BUD_FREED;
  rt.freed_objects++;
  rt.freed_bytes += size;
  if (serial == (u32)rt.alloc_objects) link |= HL_BUD_TEMPORARY;
  bud->node.link = link;
  hl_bud_set_clock(bud, rt.alloc_bytes - hl_bud_clock(bud));
}

/* The context that allocated a block. */
HL_INLINE hl_node *hl_block_context(const hl_block *block) {
  u32 owner = block->owner & HL_BLOCK_OWNER_MASK;
  return block->owner & HL_BLOCK_BUD ? (hl_node *)owner : ((hl_account *)owner)->node;
}
