/* free.c -- free, malloc_usable_size, and finding the block that a pointer names.
 *
 * A pointer is looked up in the page map, then in its span by multiplying with the reciprocal of the block
 * size: for a multiple of the size the quotient is exact, for anything else the product does not give the
 * offset back. Free runs and ghosts answer as a span of one freed block, so one test rejects every bad pointer.
 *
 * A freed block's metadata keeps its owner, and packs into the other 64 bits the free list (12 bits: index
 * of the next free block) and where the block was freed (52 bits, context.c):
 *
 *      next:12 | site:24 | node:28
 */
#include "platform.h"

/* The live block that starts at `address`: its span and metadata; null when there is none. */
HL_INLINE hl_block *hl_block_find(u32 address, hl_span **found, u32 *at) {
  u32 page = hl_page_of(address);
  if (HL_UNLIKELY(page >= hl.map_pages)) return 0;
  hl_span *span = hl.map[page];
  if (HL_UNLIKELY(!span)) return 0;
  if (HL_UNLIKELY(address < span->base)) return 0;
  u32 offset = address - span->base;
  u32 index = (u32)((u64)offset * span->reciprocal >> 32);
  if (HL_UNLIKELY(index * span->block_size != offset)) return 0;
  hl_block *block = span->metadata + index;
  if (HL_UNLIKELY(block->owner & HL_BLOCK_FREED)) return 0;
  *found = span;
  *at = index;
  return block;
}

/* The books of a block that is freed or changes its size. */
HL_INLINE void hl_ledger_free(const hl_block *block, u32 size) {
  u32 owner = block->owner & HL_BLOCK_OWNER_MASK;
  if (HL_LIKELY(!(block->owner & HL_BLOCK_BUD)))
    hl_ledger_free_from((hl_account *)owner, size, block->serial);
  else
    hl_bud_ledger_free((hl_bud *)owner, size, block->serial);
}

/* The words of a freed block besides its owner. */
HL_INLINE void hl_block_set_freed(hl_block *block, u64 words) { __builtin_memcpy(&block->requested, &words, 8); }

/* Puts a block back into its span; the ledger is the caller's. */
HL_INLINE void hl_block_put(hl_span *span, hl_block *block, u32 index, hl_place freer) {
  u32 head = span->free;
  block->owner |= HL_BLOCK_FREED;
  hl_block_set_freed(block, freer | (u64)head << (32 + HL_NEXT_FREE_SHIFT));
  span->free = index;
  u32 used = --span->used;
  if (HL_UNLIKELY(head == HL_NO_BLOCK)) hl_span_reopen(span);
  if (HL_UNLIKELY(used == 0) && span->listed) hl_span_emptied(span);
}

HL_INLINE u32 hl_block_next_free(const hl_block *block) { return block->serial >> HL_NEXT_FREE_SHIFT; }

void free(void *pointer) {
  hl_span *span;
  u32 index;
  hl_block *block = hl_block_find((u32)pointer, &span, &index);
  if (HL_UNLIKELY(!block)) {
    if (pointer) hl_fault_report((u32)pointer, 0);
    return;
  }
  hl_place freer = hl_free_place();
  hl_ledger_free(block, block->requested);
  hl_block_put(span, block, index, freer);
}

/* The requested size: what lies behind it is not the program's, and the profile counts it as nobody's. */
size_t malloc_usable_size(void *pointer) {
  hl_span *span;
  u32 index;
  hl_block *block = hl_block_find((u32)pointer, &span, &index);
  return block ? block->requested : 0;
}
