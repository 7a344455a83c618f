/* free.c -- free, malloc_usable_size, and finding the block that a pointer names.
 *
 * A pointer is looked up in the page map, then in its span by a multiplication with the reciprocal of the block size.
 * For a multiple of the size the quotient is exact; for any other offset, the product of quotient and size is not the
 * offset. Free runs and ghosts look like a span of one freed block, so one test rejects every bad pointer.
 *
 * A freed block's metadata keeps its owner. The other 64 bits have the free list (12 bits: the index of the next free
 * block) and the place where the block was freed (52 bits, context.c):
 *
 *      next:12 | site:24 | node:28
 */
#include "platform.h"

/* The live block that starts at `address`, with its span and its index there; null when there is none in the first
 * `pages` pages. */
HL_INLINE hl_block *hl_block_find_below(u32 pages, u32 address, hl_span **found, u32 *at) {
  u32 page = hl_page_of(address);
  if (HL_UNLIKELY(page >= pages)) return 0;
  hl_span *span = hl.map[page];
  if (HL_UNLIKELY(!span)) return 0;
  if (HL_UNLIKELY(address < span->base)) return 0;
  u32 offset = address - span->base;
  u32 index = (u32)((u64)offset * span->reciprocal >> 32);
  if (HL_UNLIKELY(index * span->block_size != offset)) return 0;
  hl_block *block = span->metadata + index;
  if (HL_UNLIKELY(block->owner & HL_BLOCK_FREED)) return 0;
  HL_ASSERT(index < span->blocks && block->requested <= span->block_size);
  *found = span;
  *at = index;
  return block;
}

HL_INLINE hl_block *hl_block_find(u32 address, hl_span **found, u32 *at) {
  return hl_block_find_below(hl.map_pages, address, found, at);
}

/* Writes the two words of a freed block after its owner. */
HL_INLINE void hl_block_set_freed(hl_block *block, u64 words) { __builtin_memcpy(&block->requested, &words, 8); }

/* A block becomes the first of the free list of its span. `head` was the first one. */
HL_INLINE void hl_span_regain(hl_span *span, u32 index, u32 head) {
  span->free = index;
  u32 used = --span->used;
  if (HL_UNLIKELY(head == HL_NO_BLOCK)) hl_span_reopen(span);
  if (HL_UNLIKELY(used == 0) && span->listed) hl_span_emptied(span);
}

/* Puts a block back into its span. The caller counts it in the ledger. */
HL_INLINE void hl_block_put(hl_span *span, hl_block *block, u32 index, hl_place freer) {
  u32 head = span->free;
  HL_ASSERT(span->used && !(block->owner & HL_BLOCK_FREED));
  HL_ASSERT_INTERNAL(block == span->metadata + index && (head == HL_NO_BLOCK || head < span->blocks));
  HL_ASSERT_INTERNAL(span->listed || head == HL_NO_BLOCK || hl.current[span->class] == span);
  block->owner |= HL_BLOCK_FREED;
  hl_block_set_freed(block, freer | (u64)head << (32 + HL_NEXT_FREE_SHIFT));
  hl_span_regain(span, index, head);
}

HL_INLINE u32 hl_block_next_free(const hl_block *block) { return block->serial >> HL_NEXT_FREE_SHIFT; }

/* Puts a block that has waited in the quarantine back into its span. It keeps the place where it was freed. */
HL_INLINE void hl_block_put_waiting(hl_span *span, hl_block *block, u32 index) {
  HL_ASSERT(span->used && block->owner & HL_BLOCK_FREED && hl_block_next_free(block) == HL_QUARANTINED);
  u32 head = span->free, place = block->serial & ((1u << HL_NEXT_FREE_SHIFT) - 1);
  block->serial = place | head << HL_NEXT_FREE_SHIFT;
  hl_span_regain(span, index, head);
}

HL_INLINE void hl_quarantine_put(hl_span *span, hl_block *block, u32 index, hl_place freer);
static void hl_cells_leave(u32 address, hl_place freer);

/* A pointer that is not of a live block, or any pointer while hl.keeps_freed is set. */
HL_SLOW void hl_free_slow(u32 address) {
  hl_span *span;
  u32 index;
  hl_block *block = hl.keeps_freed ? hl_block_find(address, &span, &index) : 0;
  if (!block) {
    hl_fault_report(address, 0);
    return;
  }
  hl_way_check(address, block, 0);
  hl_place freer = hl_free_place();
  if (hl.cells.holders.count) hl_cells_leave(address, freer);
  hl_ledger_free(block, block->requested);
  hl_quarantine_put(span, block, index, freer);
}

HL_INLINE void hl_free(void *pointer) {
  hl_span *span;
  u32 index;
  hl_block *block = hl_block_find_below(hl.free_pages, (u32)pointer, &span, &index);
  if (HL_UNLIKELY(!block)) {
    if (pointer) hl_free_slow((u32)pointer);
    return;
  }
  hl_place freer = hl_free_place();
  hl_ledger_free(block, block->requested);
  hl_block_put(span, block, index, freer);
}

/* The requested size: the bytes behind it are not the program's, and no profile counts them. */
HL_INLINE u32 hl_usable_size(void *pointer) {
  hl_span *span;
  u32 index;
  hl_block *block = hl_block_find((u32)pointer, &span, &index);
  return block ? block->requested : 0;
}
