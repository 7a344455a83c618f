/* operators.c -- blocks that are freed in another way than the one in which they were allocated, such as new and free().
 *
 * C++ has three ways: malloc and free, new and delete, new[] and delete[]. The operators of C++ call malloc and free in
 * the end. The host says where the code of the operators lies. So the way is the outermost operator among the innermost
 * call sites: of the block's context, and of the shadow stack when the block is freed.
 *
 * An operator delete may be given the size of the block, which is wrong when an object is deleted as one of another type.
 * Code with checks says so before it calls such an operator, and the size is compared when the block is freed.
 *
 * What is found in these ways is a suspicion, because an operator that was inlined into its caller leaves no call site. The
 * host knows the inlined functions from debug information, and judges.
 */
#include "platform.h"

#define HL_NO_OPERATOR 0xffu

HL_COLD void hl_operator_add(u32 start, u32 bytes, u32 way) {
  hl_operators *all = &hl.operators;
  if (all->count == HL_OPERATORS_MOST) return;
  all->code[all->count++] = (hl_operator){.start = start, .bytes = bytes, .way = way};
  u32 end = start + bytes, end_of_all = all->start + all->bytes;
  if (all->count == 1 || start < all->start) all->start = start;
  all->bytes = (end > end_of_all ? end : end_of_all) - all->start;
}

/* The way of the operator with this call site, or HL_NO_OPERATOR. */
HL_INLINE u32 hl_operator_at(u32 site) {
  const hl_operators *all = &hl.operators;
  if (site - all->start >= all->bytes) return HL_NO_OPERATOR;
  for (u32 i = 0; i < all->count; i++)
    if (site - all->code[i].start < all->code[i].bytes) return all->code[i].way;
  return HL_NO_OPERATOR;
}

/* Looks at a call site, from the innermost one on. Returns whether the next one may belong to an operator, too. */
HL_INLINE int hl_way_from(u32 site, u32 *way) {
  u32 inner = hl_operator_at(site);
  if (inner == HL_NO_OPERATOR) return 0;
  if (inner != HL_WAY_MALLOC) *way = inner;
  return 1;
}

/* The way in which the running call frees, and the call site outside of the operator. The first slot ends the search. */
HL_INLINE u32 hl_way_of_call(u32 *place) {
  u32 way = HL_WAY_MALLOC;
  const hl_slot *slot = rt.top;
  while (hl_way_from(slot->site, &way)) slot--;
  *place = slot->site;
  return way;
}

/* The way in which a context has allocated. */
static u32 hl_way_of_context(const hl_node *node) {
  u32 way = HL_WAY_MALLOC;
  if (hl_is_bud(node)) {
    const hl_bud *bud = (const hl_bud *)node;
    u32 sites[HL_BUD_SITES] = {node->site & ~HL_SITE_BUD, bud->second & HL_BUD_SITE_MASK, bud->third & HL_BUD_SITE_MASK};
    for (u32 i = hl_bud_length(bud); i-- > 0;)
      if (!hl_way_from(sites[i], &way)) return way;
    node = node->parent;
  }
  while (hl_way_from(node->site, &way)) node = node->parent;
  return node->site == HL_SITE_TRUNCATED ? HL_WAY_UNKNOWN : way;
}

HL_INLINE void hl_sized_delete(u32 address, u32 bytes, u32 alignment) {
  hl.operators.deleted = address;
  hl.operators.deleted_bytes = bytes;
  hl.operators.deleted_alignment = alignment;
}

/* The size that a running operator delete was given, when it is not the block's; otherwise 0. The operator new of an aligned
 * type may round the size up. That of 0 bytes takes one. */
HL_INLINE u32 hl_wrong_size(u32 address, const hl_block *block) {
  const hl_operators *all = &hl.operators;
  u32 bytes = all->deleted_bytes, mask = all->deleted_alignment - 1;
  if (all->deleted != address || bytes == block->requested || ((bytes + mask) & ~mask) == block->requested) return 0;
  return bytes;
}

static int hl_access_is_new(u32 site, u32 kind);

/* @param bytes the wrong size; 0 when the ways are wrong */
HL_COLD void hl_way_suspected(u32 address, const hl_block *block, u32 allocated, u32 freed, u32 bytes, u32 place) {
  if (!hl_access_is_new(place, bytes ? HL_FAULT_SIZE_MISMATCH : HL_FAULT_MISMATCH)) return;
  hl_fault record = {
      .kind = HL_FAULT_MISMATCH_SUSPECTED,
      .address = address,
      .context = (u32)hl_context(),
      .block = address,
      .block_size = block->requested,
      .access_size = bytes,
      .allocated_by = allocated,
      .freed_by = freed,
  };
  record.alloc_context = (u32)hl_block_context(block);
  heapline_host_fault(&record);
  if (record.kind != HL_FAULT_MISMATCH_SUSPECTED) hl_fault_tell(&record);
}

/* A block in use is about to be freed. Contexts are not what they seem once there was no memory for them, and neither
 * is the top of a shadow stack that is full. */
HL_SLOW void hl_way_judge(u32 address, const hl_block *block, u32 reallocates) {
  if (hl.metadata_missing || rt.top == HL_LAST_SLOT) return;
  u32 place, freed = hl_way_of_call(&place), allocated = hl_way_of_context(hl_block_context(block));
  u32 bytes = freed == allocated ? hl_wrong_size(address, block) : 0;
  if ((freed == allocated && !bytes) || allocated == HL_WAY_UNKNOWN) return;
  freed = freed == HL_WAY_MALLOC && reallocates ? HL_WAY_REALLOC : freed;
  hl_way_suspected(address, block, allocated, freed, bytes, place);
}

HL_INLINE void hl_way_check(u32 address, const hl_block *block, u32 reallocates) {
  if (hl.operators.count) hl_way_judge(address, block, reallocates);
}
