/* spans.c -- size classes, the spans that serve them, and large blocks.
 *
 * There is a class for every 16 bytes up to 256, then four per doubling up to 1 KB and eight up to 8 KB. Rounding
 * wastes more memory with large blocks, of which a page holds few. With small ones, more classes were measured to
 * waste more in spans that are not full. A class allocates from its current span. Its other spans with free blocks
 * wait in a queue, oldest first, because those had the most time to become empty; with a quarantine, newest first. A
 * span whose last block is freed stays in the queue, because it still knows exactly who freed its blocks. Empty spans go
 * back to the page heap when that would have to grow otherwise.
 *
 * The first span of a class is as small as its blocks allow. Later ones have a quarter of the pages that the class
 * holds, up to 64 KB, so that small programs stay small and busy classes rarely need a new span.
 */
#include "platform.h"

HL_INLINE u32 hl_class_size(u32 class) {
  if (class < 16) return (class + 1) * 16;
  if (class < 24) {
    u32 doubling = (class - 16) / 4, step = (class - 16) % 4 + 1;
    return (256u << doubling) + (64u << doubling) * step;
  }
  u32 doubling = (class - 24) / 8, step = (class - 24) % 8 + 1;
  return (1024u << doubling) + (128u << doubling) * step;
}

HL_INLINE u32 hl_class_of(u32 size) { return hl.class_of[(size + 15) >> 4]; }

static void hl_classes_initialise(void) {
  u32 class = 0;
  for (u32 i = 0; i < HL_ARRAY_LENGTH(hl.class_of); i++) {
    if (i * 16 > hl_class_size(class)) class++;
    hl.class_of[i] = (u8)class;
  }
  for (class = 0; class < HL_CLASSES; class++) hl.current[class] = &hl_start.no_span;
}

/* The number of metadata entries of a span that has its blocks in the last `bytes` of its pages: one for each
 * multiple of the block size up to the end, so at least one more than blocks. The entries without a block are never
 * allocated, so a free of such an address is rejected without a test for the end. */
HL_INLINE u32 hl_span_entries(u32 size, u32 blocks, u32 bytes) {
  u32 last = (bytes - 1) / size;
  return (last < blocks ? blocks : last) + 1;
}

/* The size of the metadata of a span that is not packed, in bytes. */
HL_INLINE u32 hl_span_metadata_bytes(u32 blocks) { return (blocks + 1) * HL_BLOCK_SIZE; }

/* With blocks of up to this size a span is packed: its metadata lies in its own pages, before the blocks, with 64
 * unused bytes on either side. So metadata that is large in proportion to its blocks goes when the span goes. */
#define HL_PACKED_MAX 512u

/* Blocks of a class are aligned to the power of two in their size, so that such alignments cost no search. */
HL_INLINE u32 hl_class_alignment(u32 size) {
  u32 alignment = size & -size;
  return alignment < HL_GRAIN ? HL_GRAIN : alignment;
}

/* Bytes at the end of a span that are too few for a block. */
HL_INLINE u32 hl_span_waste(u32 size, u32 bytes) {
  return size > HL_PACKED_MAX ? bytes % size : (bytes - 2 * HL_GRAIN) % (size + HL_BLOCK_SIZE);
}

/* The number of pages of the class's next span: at least a quarter of what the class holds, with less than 1/16
 * wasted at the end, or as little as possible. It is smaller when no free run is as long as that and a shorter one
 * fits. */
static u32 hl_class_span_pages(u32 class) {
  u32 size = hl_class_size(class);
  u32 least = hl.class_pages[class] / 4;
  if (least > 16) least = 16;
  u32 fit = (size + HL_PAGE - 1) >> HL_PAGE_SHIFT;
  if (least < fit) least = fit;
  u32 best = least, best_waste = -1u;
  for (u32 pages = least; pages < least + 8; pages++) {
    u32 bytes = pages << HL_PAGE_SHIFT;
    u32 rest = hl_span_waste(size, bytes);
    u32 waste = rest * 4096u / pages;
    if (waste < best_waste) {
      best = pages;
      best_waste = waste;
    }
    if (rest * 16 <= bytes) break;
  }
  if (hl_bin_find(best)) return best;
  for (u32 pages = best - 1; pages >= fit; pages--) {
    u32 bytes = pages << HL_PAGE_SHIFT;
    if (hl.bins[hl_bin_of(pages)] && hl_span_waste(size, bytes) * 8 <= bytes) return pages;
  }
  return best;
}

HL_COLD hl_span *hl_span_new(u32 class) {
  u32 size = hl_class_size(class);
  u32 pages = hl_class_span_pages(class);
  u32 bytes = pages << HL_PAGE_SHIFT, blocks, entries, offset = 0, alignment = hl_class_alignment(size);
  int packed = size <= HL_PACKED_MAX;
  hl_block *metadata = 0;
  if (packed) {
    blocks = (bytes - 2 * HL_GRAIN) / (size + HL_BLOCK_SIZE) + 1;
    do {
      blocks--;
      offset = (bytes - blocks * size) & -alignment;
      entries = hl_span_entries(size, blocks, bytes - offset);
    } while (2 * HL_GRAIN + entries * HL_BLOCK_SIZE > offset);
  } else {
    blocks = bytes / size;
    entries = blocks + 1;
    metadata = hl_metadata_allocate(hl_span_metadata_bytes(blocks));
    if (!metadata) return 0;
  }
  hl_span *span = hl_pages_allocate(pages);
  if (!span) {
    if (metadata) hl_metadata_release(metadata, hl_span_metadata_bytes(blocks));
    return 0;
  }
  span->start = span->base;
  span->base += offset;
  if (packed) {
    metadata = (hl_block *)(span->start + HL_GRAIN);
    rt.metadata_bytes += offset;
  }
  for (u32 i = 0; i < entries; i++)
    metadata[i] = (hl_block){.owner = HL_BLOCK_FREED, .serial = (i + 1) << HL_NEXT_FREE_SHIFT};
  metadata[blocks - 1].serial = HL_NO_BLOCK << HL_NEXT_FREE_SHIFT;
  span->block_size = size;
  span->blocks = blocks;
  span->metadata = metadata;
  span->state = HL_SPAN_STATE_SMALL;
  span->reciprocal = (u32)(((1ull << 32) + size - 1) / size);
  span->free = 0;
  span->used = 0;
  span->class = (u8)class;
  span->listed = 0;
  span->next = span->previous = 0;
  hl_map_fill(hl_page_of(span->start), span->pages, span);
  hl.class_pages[class] += pages;
  HL_ASSERT_INTERNAL(span->base + blocks * size <= span->start + (pages << HL_PAGE_SHIFT));
  HL_ASSERT_EXPENSIVE(!hl_check_map());
  return span;
}

static void hl_span_release(hl_span *span) {
  HL_ASSERT(!span->used && span->pages <= hl.class_pages[span->class]);
  hl.class_pages[span->class] -= span->pages;
  if (span->base == span->start)
    hl_metadata_release(span->metadata, hl_span_metadata_bytes(span->blocks));
  else
    rt.metadata_bytes -= span->base - span->start;
  span->base = span->start;
  span->metadata = &span->own;
  span->own = (hl_block){0};
  span->zero = 0;
  hl_run_release(span);
}

/* The number of pages that hl_spans_scavenge would give back. */
static u32 hl_empty_pages(void) {
  u32 pages = hl.empty_pages;
  for (u32 class = 0; class < HL_CLASSES; class++)
    if (!hl.current[class]->used) pages += hl.current[class]->pages; /* hl_start.no_span has none */
  return pages;
}

/* Gives every empty span back to the page heap. */
static void hl_spans_scavenge(void) {
  u32 looked = 0;
  for (u32 class = 0; class < HL_CLASSES; class++) {
    hl_span *current = hl.current[class];
    if (current != &hl_start.no_span && !current->used) {
      hl.current[class] = &hl_start.no_span;
      hl_span_release(current);
    }
    hl_span *previous = 0;
    for (hl_span *span = hl.available[class], *next; span && hl.empty_spans; span = next) {
      next = span->next;
      if (looked++ == rt.spans) hl_damaged();
      if (span->used) {
        previous = span;
        continue;
      }
      if (previous)
        previous->next = next;
      else
        hl.available[class] = next;
      if (!next) hl.available_last[class] = previous;
      hl.empty_spans--;
      hl.empty_pages -= span->pages;
      hl_span_release(span);
    }
  }
}

/* Puts the free blocks of a span into the order of their addresses. Blocks come out of the quarantine in the order in which
 * they were freed, so blocks that are handed out one after the other would lie far apart, each in a cache line of its own.
 * With this, expat with checks takes 7 % less time. */
HL_SLOW void hl_span_sort(hl_span *span) {
  u32 head = HL_NO_BLOCK;
  for (u32 i = span->blocks; i-- > 0;) {
    hl_block *block = &span->metadata[i];
    u32 place = block->serial & ((1u << HL_NEXT_FREE_SHIFT) - 1);
    if (!(block->owner & HL_BLOCK_FREED) || block->serial >> HL_NEXT_FREE_SHIFT == HL_QUARANTINED) continue;
    block->serial = place | head << HL_NEXT_FREE_SHIFT;
    head = i;
  }
  span->free = head;
}

/* The current span of the class has no free block: makes another one current. */
HL_SLOW hl_span *hl_class_refill(u32 class) {
  hl_timeline_look(hl_class_size(class));
  hl_span *span = hl.available[class];
  if (span) {
    if (!(hl.available[class] = span->next)) hl.available_last[class] = 0;
    span->listed = 0;
    span->next = 0;
    if (!span->used) {
      hl.empty_spans--;
      hl.empty_pages -= span->pages;
    }
    /* When most blocks are free, looking at all of them takes little time for each. */
    if (hl.quarantine.limit && span->used * 2 <= span->blocks) hl_span_sort(span);
  } else {
    span = hl_span_new(class);
    if (!span) return 0;
  }
  HL_ASSERT(span->class == class && span->free < span->blocks);
  return hl.current[class] = span;
}

/* A block of a full span was freed. What has waited in a quarantine is about to leave the processor's caches, so its span
 * comes first then. */
HL_SLOW void hl_span_reopen(hl_span *span) {
  u32 class = span->class;
  if (class == HL_LARGE_CLASS || hl.current[class] == span) return;
  HL_ASSERT(!span->listed && span->free != HL_NO_BLOCK);
  span->listed = 1;
  if (hl.quarantine.limit) {
    if (!(span->next = hl.available[class])) hl.available_last[class] = span;
    hl.available[class] = span;
    return;
  }
  span->next = 0;
  if (hl.available_last[class])
    hl.available_last[class]->next = span;
  else
    hl.available[class] = span;
  hl.available_last[class] = span;
}

/* The last block in use of a listed span was freed. */
HL_SLOW void hl_span_emptied(hl_span *span) {
  if (span->class == HL_LARGE_CLASS) {
    span->zero = 0;
    hl_run_release(span);
  } else {
    hl.empty_spans++;
    hl.empty_pages += span->pages;
  }
}

HL_INLINE u32 hl_large_pages(u32 size) {
  u32 pages = (size + HL_PAGE - 1) >> HL_PAGE_SHIFT;
  return pages < 2 ? 2 : pages; /* see pages.c on ghosts */
}

/* Gives back the pages of a span from `pages` on. */
static void hl_large_trim(hl_span *span, u32 pages) {
  if (pages >= span->pages) return;
  hl_span *rest = hl_struct_new();
  if (!rest) return;
  rest->base = span->base + (pages << HL_PAGE_SHIFT);
  rest->pages = span->pages - pages;
  rest->zero = span->zero;
  span->pages = pages;
  span->block_size = pages << HL_PAGE_SHIFT;
  hl_run_release(rest);
}

/* A span of its own for one block. `alignment` is a power of two. */
HL_SLOW hl_span *hl_large_new(u32 size, u32 alignment) {
  hl_timeline_look(size);
  u32 pages = hl_large_pages(size), extra = alignment > HL_PAGE ? (alignment >> HL_PAGE_SHIFT) - 1 : 0;
  hl_span *span = hl_pages_allocate(pages + extra);
  if (!span) return 0;
  u32 first = hl_page_of(span->base);
  if (extra) {
    u32 lead = (-span->base & (alignment - 1)) >> HL_PAGE_SHIFT;
    hl_span *rest = lead ? hl_struct_new() : 0;
    if (rest) {
      hl.map[first] = 0;
      rest->base = span->base;
      rest->pages = lead;
      rest->zero = span->zero;
      hl_map_set(first + lead, span);
      span->base += lead << HL_PAGE_SHIFT;
      span->pages -= lead;
      hl_run_release(rest);
      first += lead;
    } else if (lead) {
      span->zero = 0;
      hl_run_release(span);
      return 0;
    }
  }
  span->blocks = 1;
  span->start = span->base;
  span->metadata = &span->own;
  span->own = (hl_block){.owner = HL_BLOCK_FREED};
  span->state = HL_SPAN_STATE_LARGE;
  span->block_size = span->pages << HL_PAGE_SHIFT;
  span->reciprocal = 0;
  span->free = 0;
  span->used = 0;
  span->class = HL_LARGE_CLASS;
  span->listed = 1;
  hl_map_fill(first, span->pages, span);
  if (extra) hl_large_trim(span, pages);
  HL_ASSERT(!(span->base & (alignment - 1)) && size <= span->block_size);
  return span;
}

/* Extends a large span to `pages` pages in place: into the free run that follows it or, at the end of the heap, into
 * new memory. */
static int hl_large_extend(hl_span *span, u32 pages) {
  hl_timeline_look(pages << HL_PAGE_SHIFT);
  hl_structs_reserve();
  u32 after = hl_page_of(span->base) + span->pages;
  u32 more = pages - span->pages;
  for (int attempt = 0; attempt < 2; attempt++) {
    hl_span *run = after < hl.map_pages ? hl.map[after] : 0;
    int free = run && run->kind == HL_KIND_RUN;
    if (free && run->pages >= more) {
      hl_bin_remove(run);
      if (run->pages > more) {
        hl_span *rest = hl_run_make(run->base + (more << HL_PAGE_SHIFT), run->pages - more, run->zero);
        if (!rest) {
          hl_bin_insert(run);
          return 0;
        }
        hl.map[after + run->pages - 1] = 0;
        hl_run_enter(rest);
      }
      hl_map_fill(after, more, span);
      hl_pages_touched(after + more);
      hl_struct_recycle(run);
      span->pages = pages;
      span->block_size = pages << HL_PAGE_SHIFT;
      return 1;
    }
    u32 end = free ? after + run->pages : after;
    if (end != hl.map_pages || !hl_grow(more)) return 0;
  }
  return 0;
}
