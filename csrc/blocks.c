/* blocks.c -- the blocks in use: one by its address, and all of them in the order of their addresses. record.c has the
 * same functions for blocks that another allocator hands out.
 */
#include "platform.h"

/* The next span that holds blocks, from page *page on. *page becomes its first page. */
HL_INLINE hl_span *hl_span_next(u32 *page) {
  for (; *page < hl.map_pages; ++*page) {
    hl_span *span = hl.map[*page];
    if (span && span->kind == HL_KIND_BLOCKS) return span;
  }
  return 0;
}

/* The block in use that has this address of the heap, and how far into it the address lies; null when there is none.
 * */
HL_INLINE hl_block *hl_block_around(u32 address, u32 *offset) {
  hl_span *span = hl.map[hl_page_of(address)];
  if (!span || span->kind != HL_KIND_BLOCKS || address < span->base) return 0;
  u32 distance = address - span->base;
  u32 index = (u32)((u64)distance * span->reciprocal >> 32);
  if (index >= span->blocks) return 0;
  hl_block *block = span->metadata + index;
  if (block->owner & HL_BLOCK_FREED) return 0;
  distance -= index * span->block_size;
  if (distance >= block->requested && distance) return 0;
  *offset = distance;
  return block;
}

/* Calls visit(address, block) for every block in use, in the order of addresses. */
HL_INLINE void hl_blocks_walk(void (*visit)(u32 address, hl_block *block)) {
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages) {
    u32 address = span->base;
    for (u32 i = 0; i < span->blocks; i++, address += span->block_size)
      if (!(span->metadata[i].owner & HL_BLOCK_FREED)) visit(address, &span->metadata[i]);
  }
}

/* The most bytes that all blocks together may have. */
HL_INLINE u32 hl_blocks_most(void) { return rt.heap_bytes; }

/* Where blocks may be. */
HL_INLINE void hl_blocks_range(u32 *start, u32 *size) {
  *start = hl.heap_start;
  *size = hl.initialised ? (hl.map_pages << HL_PAGE_SHIFT) - hl.heap_start : 0;
}
