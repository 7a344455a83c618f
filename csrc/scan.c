/* scan.c -- which blocks can still be reached: Valgrind's leak classes, by a scan of linear memory.
 *
 * The host names the roots (ranges of memory, single words) and asks for the classes; they are left in the blocks'
 * metadata (HL_BLOCK_CLASS_*), from where the host reads them. Nothing is allocated, nothing of the program's is
 * written, and a scan can be made at any time, again and again.
 *
 *   heapline_scan_start()             forgets the classes of the last scan
 *   heapline_scan_range(start, end)   a root: all aligned words in it
 *   heapline_scan_word(value)         a root of one word
 *   heapline_scan_finish()            follows what the roots lead to, then classes the rest
 *
 * Rules, as in memcheck/mc_leakcheck.c. A word is a pointer to a block when it is aligned and its value lies in the
 * bytes that were asked for (of an empty block: is its address). A pointer to the start makes a block reachable, one
 * into the middle possibly reached, except where the layout is known: the data behind a 64-bit length, the elements
 * behind the count that C++'s new[] puts before them. What a possibly reached block points to is possibly reached.
 * The rest is lost: in the order of addresses, each block that is not reached yet leads a clique, what it leads to is
 * indirectly lost, and a former leader that turns up in a later clique is no leader any more.
 *
 * Blocks to be looked into wait on a stack in the part of the shadow stack that no frame uses. What does not fit is
 * marked in its metadata and found by walking the heap, in the manner of the Boehm collector's overflow handling.
 *
 * Nearly every pointer leads to a block that was reached before, whose metadata is far away in a large heap. So large
 * heaps get a bitmap for the time of the scan, one bit for 16 bytes, that tells this from the address alone.
 */
#include "platform.h"

enum {
  HL_UNREACHED = HL_BLOCK_CLASS_DEFINITE << HL_BLOCK_CLASS_SHIFT,
  HL_INDIRECT = HL_BLOCK_CLASS_INDIRECT << HL_BLOCK_CLASS_SHIFT,
  HL_POSSIBLE = HL_BLOCK_CLASS_POSSIBLE << HL_BLOCK_CLASS_SHIFT,
  HL_REACHABLE = HL_BLOCK_CLASS_REACHABLE << HL_BLOCK_CLASS_SHIFT,
  /* Waits to be looked into and is not on the stack. */
  HL_WAITING = 8,
  HL_SCAN_BITS = HL_BLOCK_CLASS_MASK | HL_WAITING,
};

typedef struct hl_waiting {
  u32 address;
  hl_block *block;
} hl_waiting;
_Static_assert(sizeof(hl_waiting) == sizeof(hl_slot), "waiting blocks take the place of slots");

static struct {
  hl_waiting *bottom, *top, *limit; /* top: the next free entry */
  u32 heap_start, heap_size;
  hl_block *leader; /* of the clique that is followed; null while roots are */
  u32 waiting; /* some block is marked HL_WAITING */
  /* Bits of blocks that are reachable or indirectly lost, by (start - heap_start) / 16; null for small heaps. */
  u32 *known;
  u32 known_bytes;
} hl_scan;

/* What the root ranges leave out: the runtime's own data, which knows every block. */
static const struct {
  const void *start;
  u32 size;
} hl_own_data[] = {
    {&hl_first_chunk, sizeof hl_first_chunk},
    {&hl_root_account, sizeof hl_root_account},
    {&hl_first_span_chunk, sizeof hl_first_span_chunk},
    {hl_fault_ring, sizeof hl_fault_ring},
    {hl_first_contexts, sizeof hl_first_contexts},
    {heapline_shadow, sizeof heapline_shadow},
    {&heapline_runtime, sizeof heapline_runtime},
    {&hl, sizeof hl},
    {&hl_no_span, sizeof hl_no_span},
    {&hl_scan, sizeof hl_scan},
};

/* Heaps from this size on, in bytes, get a bitmap: below, all metadata is in the processor's cache. */
#define HL_SCAN_KNOWN_LEAST (8u << 20)

HL_INLINE void hl_scan_push(u32 address, hl_block *block) {
  if (HL_LIKELY(hl_scan.top < hl_scan.limit)) {
    *hl_scan.top++ = (hl_waiting){address, block};
    return;
  }
  block->owner |= HL_WAITING;
  hl_scan.waiting = 1;
}

/* Whether a pointer this far into a block counts as one to its start. */
HL_INLINE int hl_scan_is_start(u32 address, const hl_block *block, u32 offset) {
  if (offset == 0) return 1;
  if (offset == 8) {
    const u32 *length = (const u32 *)address;
    return length[0] == block->requested - 8 && length[1] == 0;
  }
  if (offset == 4) {
    u32 count = *(const u32 *)address;
    return count && (block->requested - 4) % count == 0;
  }
  return 0;
}

/* `class`: what a pointer to the start found here makes of a block; a lesser one for pointers into the middle. */
HL_INLINE void hl_scan_value(u32 value, u32 class) {
  u32 place = value - hl_scan.heap_start;
  if (HL_LIKELY(place >= hl_scan.heap_size)) return;
  u32 *known = hl_scan.known;
  if (known && !(place & 15) && known[place >> 9] >> (place >> 4 & 31) & 1) return;
  hl_span *span = hl.map[value >> HL_PAGE_SHIFT];
  if (!span || span->kind != HL_KIND_BLOCKS || value < span->base) return;
  u32 offset = value - span->base;
  u32 index = (u32)((u64)offset * span->reciprocal >> 32);
  if (index >= span->blocks) return;
  hl_block *block = span->metadata + index;
  if (block->owner & HL_BLOCK_FREED) return;
  offset -= index * span->block_size;
  if (offset >= block->requested && offset) return;
  u32 before = block->owner & HL_BLOCK_CLASS_MASK;
  if (before == HL_REACHABLE) return;
  u32 address = value - offset;
  if (class == HL_INDIRECT) {
    if (before != HL_UNREACHED || block == hl_scan.leader) return;
  } else {
    if (class == HL_REACHABLE && !hl_scan_is_start(address, block, offset)) class = HL_POSSIBLE;
    if (before == class) return;
  }
  block->owner = (block->owner & ~(u32)HL_BLOCK_CLASS_MASK) | class;
  if (known && class != HL_POSSIBLE) {
    place -= offset;
    known[place >> 9] |= 1u << (place >> 4 & 31);
  }
  hl_scan_push(address, block);
}

HL_INLINE void hl_scan_words(u32 start, u32 end, u32 class) {
  for (const u32 *word = (const u32 *)start; word < (const u32 *)end; word++) hl_scan_value(*word, class);
}

HL_INLINE void hl_scan_block(u32 address, hl_block *block) {
  u32 class = hl_scan.leader ? HL_INDIRECT : block->owner & HL_BLOCK_CLASS_MASK;
  hl_scan_words(address, address + (block->requested & ~3u), class);
}

/* Calls visit(address, block) for every block in use, in the order of addresses. */
HL_INLINE void hl_scan_walk(void (*visit)(u32 address, hl_block *block)) {
  for (u32 page = 0; page < hl.map_pages; page++) {
    hl_span *span = hl.map[page];
    if (!span || span->kind != HL_KIND_BLOCKS || (page && hl.map[page - 1] == span)) continue;
    u32 address = span->base;
    for (u32 i = 0; i < span->blocks; i++, address += span->block_size)
      if (!(span->metadata[i].owner & HL_BLOCK_FREED)) visit(address, &span->metadata[i]);
  }
}

static void hl_scan_drain_stack(void) {
  while (hl_scan.top > hl_scan.bottom) {
    hl_waiting next = *--hl_scan.top;
    hl_scan_block(next.address, next.block);
  }
}

static void hl_scan_visit_waiting(u32 address, hl_block *block) {
  if (!(block->owner & HL_WAITING)) return;
  block->owner &= ~(u32)HL_WAITING;
  hl_scan_block(address, block);
  hl_scan_drain_stack();
}

static void hl_scan_drain(void) {
  hl_scan_drain_stack();
  while (hl_scan.waiting) {
    hl_scan.waiting = 0;
    hl_scan_walk(hl_scan_visit_waiting);
  }
}

static void hl_scan_visit_unreached(u32 address, hl_block *block) {
  if ((block->owner & HL_BLOCK_CLASS_MASK) != HL_UNREACHED) return;
  hl_scan.leader = block;
  hl_scan_block(address, block);
  hl_scan_drain();
}

static void hl_scan_visit_clear(u32 address, hl_block *block) {
  (void)address;
  block->owner &= ~(u32)HL_SCAN_BITS;
}

static void hl_scan_forget(void) {
  if (hl_scan.known) hl_metadata_release(hl_scan.known, hl_scan.known_bytes);
  hl_scan.known = 0;
}

void heapline_scan_start(void) {
  hl_scan_forget();
  hl_scan_walk(hl_scan_visit_clear);
  hl_scan.bottom = hl_scan.top = (hl_waiting *)(rt.top + 1);
  hl_scan.limit = (hl_waiting *)(HL_LAST_SLOT + 1);
  hl_scan.heap_start = hl.heap_start;
  hl_scan.heap_size = hl.initialised ? (hl.map_pages << HL_PAGE_SHIFT) - hl.heap_start : 0;
  hl_scan.leader = 0;
  hl_scan.waiting = 0;
  if (hl_scan.heap_size < HL_SCAN_KNOWN_LEAST) return;
  /* It may make the heap larger, by pages that hold no blocks. */
  hl_scan.known_bytes = (hl_scan.heap_size >> 9) * 4 + 4;
  hl_scan.known = hl_metadata_allocate(hl_scan.known_bytes);
  if (hl_scan.known) hl_zero(hl_scan.known, hl_scan.known_bytes);
}

void heapline_scan_range(u32 start, u32 end) {
  start = (start + 3) & ~3u;
  end &= ~3u;
  while (start < end) {
    u32 stop = end, skip = end;
    for (u32 i = 0; i < HL_ARRAY_LENGTH(hl_own_data); i++) {
      u32 own = (u32)hl_own_data[i].start, own_end = own + hl_own_data[i].size;
      if (own_end <= start || own >= stop) continue;
      stop = own > start ? own : start;
      skip = own_end;
    }
    hl_scan_words(start, stop, HL_REACHABLE);
    start = skip;
  }
  hl_scan_drain();
}

void heapline_scan_word(u32 value) {
  hl_scan_value(value, HL_REACHABLE);
  hl_scan_drain();
}

void heapline_scan_finish(void) {
  hl_scan_drain();
  hl_scan_walk(hl_scan_visit_unreached);
  hl_scan.leader = 0;
  hl_scan_forget();
}
