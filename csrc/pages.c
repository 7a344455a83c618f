/* pages.c -- the page heap: free runs of pages, the page map, growth. After tcmalloc's and Go's mheap.
 *
 * Every free run has a span struct (HL_KIND_RUN). The page map names it at the run's first and last page, so that a
 * run that is released finds its neighbours. The run is also in the bin of its length. Runs are taken from the
 * smallest bin that fits and are split at the low end. Two runs are never adjacent.
 *
 * A large block that is freed leaves its context, and the context that freed it, in its run's struct. When the run is
 * merged into a lower one, the struct becomes a ghost. So a second free of the block can be told from a wild pointer
 * until its first page is used again. Large spans have at least two pages, so a ghost is never at a run's last page
 * unless the run was cut there, and then the ghost is dropped.
 *
 * The page map grows by doubling inside the page heap itself.
 */
#include "platform.h"

HL_INLINE u32 hl_page_of(u32 address) { return address >> HL_PAGE_SHIFT; }

/* -- span structs -------------------------------------------------------------------------------------- */

HL_SLOW hl_span *hl_struct_new(void) {
  hl_span *span = hl.free_structs;
  if (!span) return 0;
  HL_ASSERT(span->kind == HL_KIND_UNUSED && hl.free_struct_count);
  hl.free_structs = span->next;
  hl.free_struct_count--;
  *span = (hl_span){0};
  return span;
}

HL_SLOW void hl_struct_recycle(hl_span *span) {
  span->state = HL_SPAN_STATE_FREE;
  span->kind = HL_KIND_UNUSED;
  span->next = hl.free_structs;
  hl.free_structs = span;
  hl.free_struct_count++;
}

HL_SLOW void hl_structs_add(hl_chunk *chunk, u32 capacity) {
  hl_span *spans = (hl_span *)(chunk + 1);
  chunk->next = 0;
  chunk->used = chunk->capacity = capacity;
  if (hl.last_span_chunk) hl.last_span_chunk->next = chunk;
  hl.last_span_chunk = chunk;
  rt.spans += capacity;
  for (u32 i = capacity; i-- > 0;) {
    spans[i] = (hl_span){0};
    hl_struct_recycle(&spans[i]);
  }
}

static void *hl_metadata_allocate(u32 bytes);

/* Splitting a run needs structs, and a chunk of structs comes from the page heap. So a few are always kept in
 * reserve. */
HL_SLOW void hl_structs_reserve(void) {
  if (hl.free_struct_count >= 8 || hl.refilling) return;
  hl.refilling = 1;
  u32 capacity = rt.spans < 63 ? 63 : rt.spans < 1023 ? 255 : 1023;
  hl_chunk *chunk = hl_metadata_allocate((capacity + 1) * HL_SPAN_SIZE);
  if (chunk) hl_structs_add(chunk, capacity);
  hl.refilling = 0;
}

/* -- bins ---------------------------------------------------------------------------------------------- */

/* There is one bin per length below 32 pages, and eight per doubling above. */
HL_INLINE u32 hl_bin_of(u32 pages) {
  if (pages < 32) return pages;
  u32 log = 31 - (u32)__builtin_clz(pages);
  return 32 + (log - 5) * 8 + ((pages >> (log - 3)) & 7);
}

static void hl_bin_insert(hl_span *run) {
  u32 bin = hl_bin_of(run->pages);
  HL_ASSERT(run->pages && bin < HL_BINS);
  run->previous = 0;
  run->next = hl.bins[bin];
  if (run->next) run->next->previous = run;
  hl.bins[bin] = run;
  hl.bin_bits[bin >> 5] |= 1u << (bin & 31);
}

static void hl_bin_remove(hl_span *run) {
  u32 bin = hl_bin_of(run->pages);
  HL_ASSERT(run->kind == HL_KIND_RUN && hl.bins[bin]);
  HL_ASSERT_INTERNAL(run->previous ? run->previous->next == run : hl.bins[bin] == run);
  if (run->next) run->next->previous = run->previous;
  if (run->previous)
    run->previous->next = run->next;
  else if (!(hl.bins[bin] = run->next))
    hl.bin_bits[bin >> 5] &= ~(1u << (bin & 31));
}

/* The shortest one of the first runs of a bin that are long enough. The lowest one when several are equally short. */
static hl_span *hl_bin_best(u32 bin, u32 pages) {
  hl_span *best = 0;
  u32 looked = 0;
  for (hl_span *run = hl.bins[bin]; run && looked < 64; run = run->next, looked++) {
    if (run->pages < pages) continue;
    if (!best || run->pages < best->pages || (run->pages == best->pages && run->base < best->base)) best = run;
  }
  return best;
}

/* A run of at least `pages`, from the request's own bin or the next one that has any. With hl.roomy it comes from the
 * last bin, when that leaves as much room again. */
static hl_span *hl_bin_find(u32 pages) {
  u32 bin = hl_bin_of(pages);
  if (hl.roomy) {
    for (u32 word = HL_ARRAY_LENGTH(hl.bin_bits); word-- > 0;) {
      if (!hl.bin_bits[word]) continue;
      hl_span *run = hl.bins[word * 32 + 31 - (u32)__builtin_clz(hl.bin_bits[word])];
      if (run->pages >= pages * 2) return run;
      break;
    }
  }
  hl_span *best = hl_bin_best(bin, pages);
  if (best) return best;
  for (u32 word = (bin + 1) >> 5, mask = -1u << ((bin + 1) & 31); word < HL_ARRAY_LENGTH(hl.bin_bits);
       word++, mask = -1u) {
    u32 bits = hl.bin_bits[word] & mask;
    if (bits) return hl_bin_best(word * 32 + (u32)__builtin_ctz(bits), pages);
  }
  return 0;
}

/* -- page map ------------------------------------------------------------------------------------------ */

/* Enters a span for a page. A ghost is of no use any more when its first page is used again. */
HL_INLINE void hl_map_set(u32 page, hl_span *span) {
  HL_ASSERT(page < hl.map_capacity);
  hl_span *old = hl.map[page];
  if (old && old->kind == HL_KIND_GHOST) hl_struct_recycle(old);
  hl.map[page] = span;
}

static void hl_map_fill(u32 page, u32 pages, hl_span *span) {
  for (u32 end = page + pages; page < end; page++) hl_map_set(page, span);
}

/* Enters a run, of which base, pages, zero and own are set, into the map at its edges and into its bin. */
static void hl_run_enter(hl_span *run) {
  u32 first = hl_page_of(run->base);
  run->kind = HL_KIND_RUN;
  run->state = HL_SPAN_STATE_FREE;
  run->metadata = &run->own;
  run->reciprocal = 0;
  run->block_size = run->pages << HL_PAGE_SHIFT;
  run->own.owner |= HL_BLOCK_FREED;
  if (hl.map[first] != run) hl_map_set(first, run);
  if (run->pages > 1 && hl.map[first + run->pages - 1] != run) hl_map_set(first + run->pages - 1, run);
  hl_bin_insert(run);
}

/* A new run struct for these pages. When their first page has a ghost, the ghost becomes the struct. */
static hl_span *hl_run_make(u32 base, u32 pages, u32 zero) {
  hl_span *run = hl.map[hl_page_of(base)];
  if (!run || run->kind != HL_KIND_GHOST || run->base != base) run = hl_struct_new();
  if (!run) return 0;
  run->base = base;
  run->pages = pages;
  run->zero = (u8)zero;
  return run;
}

#if HL_DEBUG >= 2
/* Whether no free run ends directly before this one. */
static int hl_run_is_apart(const hl_span *run) {
  u32 first = hl_page_of(run->base);
  return !first || !hl.map[first - 1] || hl.map[first - 1]->kind != HL_KIND_RUN;
}
#endif

/* Gives a whole span or a new run back and merges it with its neighbours. It never fails, and clears the map entries
 * of the pages. */
static void hl_run_release(hl_span *run) {
  u32 first = hl_page_of(run->base);
  u32 last = first + run->pages - 1;
  hl_map_fill(first, run->pages, 0);
  if (last + 1 < hl.map_pages) {
    hl_span *right = hl.map[last + 1];
    if (right && right->kind == HL_KIND_RUN) {
      hl_bin_remove(right);
      u32 right_last = last + right->pages;
      if (right_last != last + 1) hl.map[right_last] = 0;
      run->pages += right->pages;
      run->zero &= right->zero;
      if (right->own.owner & HL_BLOCK_OWNER_MASK)
        right->kind = HL_KIND_GHOST;
      else {
        hl.map[last + 1] = 0;
        hl_struct_recycle(right);
      }
    }
  }
  if (first > 0) {
    hl_span *left = hl.map[first - 1];
    if (left && left->kind == HL_KIND_RUN) {
      hl_bin_remove(left);
      if (left->pages > 1) hl.map[first - 1] = 0;
      left->pages += run->pages;
      left->zero &= run->zero;
      if (run->own.owner & HL_BLOCK_OWNER_MASK) {
        run->kind = HL_KIND_GHOST;
        run->metadata = &run->own;
        run->reciprocal = 0;
        run->block_size = HL_PAGE; /* covers the one entry that names it */
        run->own.owner |= HL_BLOCK_FREED;
        run->state = HL_SPAN_STATE_FREE;
        hl.map[first] = run;
      } else {
        hl_struct_recycle(run);
      }
      run = left;
    }
  }
  first = hl_page_of(run->base);
  HL_ASSERT_INTERNAL(hl_run_is_apart(run));
  hl_run_enter(run);
}

/* The pages before this one are used. */
HL_INLINE void hl_pages_touched(u32 end) {
  if (hl.touched_pages < end) hl.touched_pages = end;
}

/* Takes the first `pages` pages out of a free run. The struct that describes them is neither in a bin nor in the map
 * yet: the caller fills the map (0 for metadata). Null when there is no struct for the rest. */
static hl_span *hl_run_take(hl_span *run, u32 pages) {
  HL_ASSERT(pages && pages <= run->pages);
  hl_bin_remove(run);
  if (run->pages > pages) {
    hl_span *rest = hl_run_make(run->base + (pages << HL_PAGE_SHIFT), run->pages - pages, run->zero);
    if (!rest) {
      hl_bin_insert(run);
      return 0;
    }
    u32 last = hl_page_of(run->base) + run->pages - 1;
    hl.map[last] = 0; /* was the run's own edge */
    run->pages = pages;
    hl_run_enter(rest);
  }
  hl_pages_touched(hl_page_of(run->base) + run->pages);
  run->own = (hl_block){0};
  run->kind = HL_KIND_BLOCKS; /* nobody may merge with it from here on */
  return run;
}

/* -- growth -------------------------------------------------------------------------------------------- */

/* The number of pages for a page map of so many entries, which leaves 64 bytes free on either side. */
static u32 hl_map_pages_for(u32 entries) {
  u32 pages = hl.map_capacity ? (hl.map_capacity * 4 + 2 * HL_GRAIN) >> HL_PAGE_SHIFT : 1;
  while ((pages << HL_PAGE_SHIFT) - 2 * HL_GRAIN < entries * 4) pages *= 2;
  return pages;
}

/* Moves the page map to the `pages` pages at `to`; the old map's pages become a free run. */
static void hl_map_move(u32 to, u32 pages) {
  hl_span **map = (hl_span **)(to + HL_GRAIN);
  u32 old = (u32)hl.map, old_pages = hl.map_capacity ? (hl.map_capacity * 4 + 2 * HL_GRAIN) >> HL_PAGE_SHIFT : 0;
  u32 capacity = ((pages << HL_PAGE_SHIFT) - 2 * HL_GRAIN) / 4;
  hl_copy(map, hl.map, hl.map_pages * 4);
  hl_zero(map + hl.map_pages, (capacity - hl.map_pages) * 4); /* the pages may be used ones */
  rt.metadata_bytes += pages << HL_PAGE_SHIFT;
  hl.map = map;
  hl.map_capacity = capacity;
  if (!old) return;
  hl_span *run = hl_struct_new();
  if (!run) return; /* a few pages are lost, which happens only when memory is nearly full */
  rt.metadata_bytes -= old_pages << HL_PAGE_SHIFT;
  run->base = old - HL_GRAIN;
  run->pages = old_pages;
  hl_run_release(run);
}

/* Gets at least `pages` more pages from the system into the free runs. */
HL_COLD int hl_grow(u32 pages) {
  u32 tail; /* a free run at the end needs less; its length is subtracted when growth is contiguous */
again:
  tail = 0;
  if (hl.map_pages) {
    hl_span *last = hl.map[hl.map_pages - 1];
    if (last && last->kind == HL_KIND_RUN && last->pages < pages) tail = last->pages;
  }
  for (;;) {
    u32 wanted = pages - tail;
    /* The heap grows in steps of 64 KB, or of 1/32 of a large heap. One step costs less than the page faults of the
     * memory that it gives, and larger steps were measured to leave up to a sixth of the heap unused. */
    u32 target = (rt.heap_bytes >> 21) * (HL_WASM_PAGE / HL_PAGE);
    if (target < HL_WASM_PAGE / HL_PAGE) target = HL_WASM_PAGE / HL_PAGE;
    if (target > 16 * (HL_WASM_PAGE / HL_PAGE)) target = 16 * (HL_WASM_PAGE / HL_PAGE);
    if (hl.shadow.base) target = hl_shadow_step();
    if (target < wanted) target = wanted;
    /* The map may have to double; then it takes the start of the new region. */
    u32 map_pages = 0;
    u32 end = (hl.map_pages ? hl.map_pages : hl_system_end()) + target + HL_WASM_PAGE / HL_PAGE;
    if (end > hl.map_capacity) {
      map_pages = hl_map_pages_for(end);
      /* Free pages inside the heap are better: at the end, the map would part the free pages on either side of it. */
      hl_span *run = hl.map_pages ? hl_bin_find(map_pages) : 0;
      if (run && (run = hl_run_take(run, map_pages))) {
        u32 to = run->base;
        hl_map_fill(hl_page_of(to), map_pages, 0);
        hl_struct_recycle(run);
        hl_map_move(to, map_pages);
        goto again;
      }
      tail = 0;
      wanted = pages;
      if (target < wanted) target = wanted;
    }
    if (target + map_pages > 0x7ffff000u >> HL_PAGE_SHIFT) return 0;
    u32 got = 0;
    u32 base = hl_system_grow((target + map_pages) << HL_PAGE_SHIFT, &got);
    if (!base) return 0;
    HL_ASSERT(!((base | got) & (HL_PAGE - 1)) && got >= (target + map_pages) << HL_PAGE_SHIFT);
    if (!hl.heap_start) hl.heap_start = base;
    hl_shadow_poison(base, base + got, HL_SHADOW_REDZONE);
    rt.heap_bytes += got;
    u32 end_page = hl_page_of(base) + (got >> HL_PAGE_SHIFT);
    u32 contiguous = hl_page_of(base) == hl.map_pages;
    if (end_page > hl.map_capacity) {
      map_pages = hl_map_pages_for(end_page);
      if (map_pages << HL_PAGE_SHIFT >= got) { /* a gap of gigabytes: this region stays unused */
        rt.heap_bytes -= got;
        return 0;
      }
      hl_map_move(base, map_pages);
      base += map_pages << HL_PAGE_SHIFT;
      got -= map_pages << HL_PAGE_SHIFT;
      contiguous = 0;
    }
    hl.map_pages = end_page;
    if (!hl.keeps_freed) hl.free_pages = end_page;
    hl_span *run = hl_struct_new();
    if (!run) {
      rt.heap_bytes -= got; /* they are lost */
      return 0;
    }
    run->base = base;
    run->pages = got >> HL_PAGE_SHIFT;
    run->zero = 1;
    hl_run_release(run);
    if ((got >> HL_PAGE_SHIFT) + (contiguous ? tail : 0) >= pages) return 1;
    tail = 0; /* somebody else's memory lies in between, so the pages before it remain a run of their own */
  }
}

static void hl_spans_scavenge(void);

static void hl_quarantine_empty(u32 most);

static u32 hl_empty_pages(void);

/* Empty spans are given back before the heap grows, but not too often: otherwise a small program that has a block in
 * one class after the other would do nothing else. Four allocations for each page that is given back were measured to
 * prevent this, and to keep real programs small. */
static int hl_scavenge_is_due(void) {
  u32 pages = hl_empty_pages();
  if (!pages || rt.alloc_objects - hl.scavenged_at < pages * 4) return 0;
  hl.scavenged_at = rt.alloc_objects;
  return 1;
}

/* A heap of up to so many pages stays in the processor's caches, whichever of them it uses. */
#define HL_CACHED_PAGES 128u

/* Whether taking these pages makes the heap larger. With a shadow the heap gets so much memory at a time that pages which
 * nobody has touched are left nearly always, so they count as not there. A span that is made anew hands out neighbours one
 * after the other, as the free list of an old span does not: expat with checks took an eighth less time. */
static int hl_heap_would_grow(const hl_span *run, u32 pages) {
  if (!run) return 1;
  u32 end = hl_page_of(run->base) + pages;
  return hl.shadow.base && end > hl.touched_pages && end > hl_page_of(hl.heap_start) + HL_CACHED_PAGES;
}

/* Takes `pages` pages out of the free runs, as hl_run_take does. */
HL_SLOW hl_span *hl_pages_allocate(u32 pages) {
  hl_structs_reserve();
  hl_span *run = hl_bin_find(pages);
  if (hl_heap_would_grow(run, pages) && !hl.refilling && hl_scavenge_is_due()) {
    hl_spans_scavenge();
    run = hl_bin_find(pages);
  }
  if (!run && hl_grow(pages)) run = hl_bin_find(pages);
  if (!run && !hl.refilling) {
    hl_quarantine_empty(0);
    hl_spans_scavenge();
    run = hl_bin_find(pages);
    /* The freed pages may be most of what is wanted, at the end of the heap. */
    if (!run && hl_grow(pages)) run = hl_bin_find(pages);
  }
  if (!run) return 0;
  return hl_run_take(run, pages);
}
