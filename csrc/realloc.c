/* realloc.c -- realloc and reallocarray.
 *
 * For the ledger, a realloc that changes the requested size is a free and an allocation at realloc's own call site,
 * whether or not the block moves. The same size changes nothing. realloc(NULL, n) is malloc(n). realloc(p, 0) leaves
 * a distinct block of 0 bytes, as the own malloc of both libcs does. When it fails, the block stays as it was. A
 * block that moves keeps only the default alignment.
 */
#include "platform.h"

/* Resizes a block within the pages that it has or can get. */
HL_INLINE int hl_block_resize_in_place(hl_span *span, u32 size) {
  if (span->state == HL_SPAN_STATE_SMALL) {
    /* A block that shrinks by more than half is worth moving, unless that would save next to nothing. */
    return size <= span->block_size && (size * 2 >= span->block_size || span->block_size <= 64);
  }
  u32 pages = hl_large_pages(size);
  if (pages > span->pages) return hl_large_extend(span, pages);
  if (size <= HL_SMALL_MAX / 2 && span->pages > 4) return 0;
  hl_large_trim(span, pages);
  return 1;
}

/* A loop copies so few bytes in less time than V8 takes to call its memory.copy. Blocks are multiples of 16 bytes. */
HL_INLINE void hl_copy_block(u32 to, u32 from, u32 size) {
  if (size > 256) {
    hl_copy((void *)to, (void *)from, size);
    return;
  }
  for (u32 i = 0; i < size; i += 16) {
    u64 low = *(u64 *)(from + i), high = *(u64 *)(from + i + 8);
    *(u64 *)(to + i) = low;
    *(u64 *)(to + i + 8) = high;
  }
}

/* Writes down that a block has another size now. */
HL_INLINE void hl_block_resized(hl_block *block, hl_node *node, u32 size) {
  hl_ledger_free(block, block->requested);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, 0), size);
}

/* A pointer that is not of a live block, or any pointer while hl.keeps_freed is set. With access checks every
 * block moves, so that old pointers are seen. */
HL_SLOW void *hl_realloc_slow(u32 address, u32 size) {
  hl_span *span;
  u32 index, to;
  hl_block *block = hl.keeps_freed ? hl_block_find(address, &span, &index) : 0;
  if (!block) {
    hl_fault_report(address, 1);
    return 0;
  }
  hl_way_check(address, block, 1);
  u32 old = block->requested;
  if (size == old) return (void *)address;
  if (size > HL_SIZE_MAX) return hl_allocation_failed(size);
  if (HL_UNLIKELY(hl.limits.in_force) && hl_limits_refuse(size, 0)) return hl_allocation_failed(size);
  hl_node *node = hl_context();
  if (!hl.shadow.base && hl_block_resize_in_place(span, size)) {
    if (hl.cells.holders.count) hl_cells_leave(address, hl_place_of(node, 0));
    hl_block_resized(block, node, size);
    to = address;
  } else {
    hl_block *moved = hl_block_take_slow(hl_with_redzone(size), HL_ALIGNMENT, &to);
    if (!moved) return hl_allocation_failed(size);
    hl_shadow_open(to, size, hl.map[hl_page_of(to)]->block_size);
    hl_copy_block(to, address, old < size ? old : size);
    if (hl.cells.holders.count) hl_cells_leave(address, hl_place_of(node, 0));
    hl_ledger_free(block, old);
    hl_quarantine_put(span, block, index, hl_place_of(node, 0));
    hl_block_hand_out(moved, hl_ledger_allocate(node, size, 0), size);
  }
  if (hl.requests.disabled) hl_ignore(to, (u32)rt.alloc_objects);
  if (hl_is_traced()) hl_trace(to, size, node);
  return (void *)to;
}

HL_INLINE void *hl_realloc(void *pointer, u32 size) {
  if (!pointer) return malloc(size);
  u32 address = (u32)pointer;
  hl_span *span;
  u32 index;
  hl_block *block = hl_block_find_below(hl.free_pages, address, &span, &index);
  if (HL_UNLIKELY(!block)) return hl_realloc_slow(address, size);
  u32 old = block->requested;
  if (size == old) return pointer;
  if (size > HL_SIZE_MAX) return hl_allocation_failed(size);
  if (HL_UNLIKELY(hl.limits.in_force) && hl_limits_refuse(size, 0)) return hl_allocation_failed(size);
  hl_node *node = hl_context();
  if (hl_block_resize_in_place(span, size)) {
    HL_ASSERT(size <= span->block_size && hl.map[hl_page_of(address)] == span);
    hl_block_resized(block, node, size);
  } else {
    u32 to;
    /* A block that had to move before to grow will grow again: put it where there is room behind it. */
    u32 grows = span->state == HL_SPAN_STATE_LARGE && size > old;
    hl.roomy = grows && span->listed == HL_LISTED_GROWN;
    hl_block *moved = hl_block_take_slow(size, HL_ALIGNMENT, &to);
    hl.roomy = 0;
    if (!moved) return hl_allocation_failed(size);
    if (grows) hl.map[hl_page_of(to)]->listed = HL_LISTED_GROWN;
    HL_ASSERT(moved != block && size <= hl.map[hl_page_of(to)]->block_size);
    HL_ASSERT_INTERNAL(hl.map[hl_page_of(address)] == span);
    hl_copy_block(to, address, old < size ? old : size);
    hl_ledger_free(block, old);
    hl_block_put(span, block, index, hl_place_of(node, 0));
    hl_block_hand_out(moved, hl_ledger_allocate(node, size, 0), size);
    address = to;
  }
  if (HL_UNLIKELY(hl_is_traced())) hl_trace(address, size, node);
  return (void *)address;
}

HL_INLINE void *hl_reallocarray(void *pointer, u32 count, u32 each) {
  u64 product = (u64)count * each;
  if (product > HL_SIZE_MAX) return hl_allocation_failed(product);
  return realloc(pointer, (u32)product);
}
