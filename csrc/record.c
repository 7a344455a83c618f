/* record.c -- the blocks of an allocator that is not Heapline's: where they are, and what the ledger says of them.
 *
 * The blocks are in a hash table by their addresses. Freed blocks are not in it, so nothing is known of them, and a free
 * of an address that is not in the table is no fault of the program: the block may have been allocated by code that
 * nobody watches, such as a malloc that was inlined.
 *
 * For the time of a scan there is an index of the words of memory at which blocks begin. Addresses in the middle of
 * blocks are found by it, and blocks come in the order of their addresses.
 */
#include "platform.h"

#define hl_recorded_blocks heapline_runtime.recorded

#define HL_FIRST_RECORDS 256u

HL_INLINE u32 hl_record_hash(u32 address) {
  return (u32)((u64)((address >> 2) * 0x9e3779b1u) * hl_recorded_blocks.capacity >> 32);
}

/* -- the table ------------------------------------------------------------------------------------------- */

/* The block at this address; null when there is none. */
static hl_record *hl_record_find(u32 address) {
  u32 mask = hl_recorded_blocks.capacity - 1, at = hl_record_hash(address), looked = 0;
  if (!hl_recorded_blocks.capacity) return 0;
  for (; hl_recorded_blocks.entries[at].address; at = (at + 1) & mask) {
    if (hl_recorded_blocks.entries[at].address == address) return &hl_recorded_blocks.entries[at];
    if (looked++ == mask) hl_damaged();
  }
  return 0;
}

/* Takes an entry of the table, which has room, for a block at an address that has none. */
static hl_record *hl_record_add(u32 address) {
  u32 mask = hl_recorded_blocks.capacity - 1, at = hl_record_hash(address), looked = 0;
  while (hl_recorded_blocks.entries[at].address) {
    at = (at + 1) & mask;
    if (looked++ == mask) hl_damaged();
  }
  hl_recorded_blocks.count++;
  hl_recorded_blocks.entries[at].address = address;
  return &hl_recorded_blocks.entries[at];
}

/* Takes a block out. The entries behind it move up, so that every search still finds them. */
static void hl_record_remove(hl_record *record) {
  hl_record *entries = hl_recorded_blocks.entries;
  u32 mask = hl_recorded_blocks.capacity - 1, hole = (u32)(record - entries), at = hole, looked = 0;
  for (;;) {
    at = (at + 1) & mask;
    if (!entries[at].address) break;
    if (looked++ == mask) hl_damaged();
    if (((at - hl_record_hash(entries[at].address)) & mask) < ((at - hole) & mask)) continue;
    entries[hole] = entries[at];
    hole = at;
  }
  entries[hole].address = 0;
  hl_recorded_blocks.count--;
}

/* Makes room for one more block. */
static int hl_records_reserve(void) {
  u32 before = hl_recorded_blocks.capacity, capacity = before ? before * 2 : HL_FIRST_RECORDS;
  if (hl_recorded_blocks.count * 2 < before) return 1;
  if (capacity > 1u << 26) return 0;
  hl_record *old = hl_recorded_blocks.entries;
  hl_record *entries = hl_metadata_allocate(capacity * sizeof *entries);
  /* Without memory for a larger table, this one is filled but for one entry, at which searches end. */
  if (!entries) return hl_recorded_blocks.count + 1 < before;
  hl_zero(entries, capacity * sizeof *entries);
  hl_recorded_blocks.entries = entries;
  hl_recorded_blocks.capacity = capacity;
  hl_recorded_blocks.count = 0;
  for (u32 i = 0; i < before; i++)
    if (old[i].address) hl_record_add(old[i].address)->block = old[i].block;
  if (before) hl_metadata_release(old, before * sizeof *entries);
  return 1;
}

/* -- what happens to blocks ------------------------------------------------------------------------------ */

/* The block is not there any more. */
static void hl_record_end(hl_record *record) {
  hl_block block = record->block;
  hl_record_remove(record);
  hl_ledger_free(&block, block.requested);
}

/* Enters a block. Whatever was at its address is gone, and nobody saw that. */
static hl_record *hl_record_new(u32 address) {
  hl_record *stale = hl_record_find(address);
  if (stale) {
    hl_recorded_blocks.unseen++;
    hl_record_end(stale);
  }
  if (address & 3 || !hl_records_reserve()) {
    hl_recorded_blocks.lost++;
    return 0;
  }
  return hl_record_add(address);
}

static void hl_record_allocate(hl_node *context, u32 address, u32 size) {
  hl_record *record = hl_record_new(address);
  if (record) hl_block_hand_out(&record->block, hl_ledger_allocate(context, size, 0), size);
}

static void hl_record_free(u32 address) {
  hl_record *record = hl_record_find(address);
  if (record)
    hl_record_end(record);
  else
    hl_recorded_blocks.unseen++;
}

/* As with Heapline's own realloc, a block that keeps its size stays what it was. */
static void hl_record_reallocate(hl_node *context, u32 old, u32 address, u32 size) {
  hl_record *record = hl_record_find(old);
  if (record && record->block.requested == size) {
    if (address == old) return;
    hl_block block = record->block;
    hl_record_remove(record);
    if ((record = hl_record_new(address)))
      record->block = block;
    else
      hl_ledger_free(&block, size);
    return;
  }
  hl_record_free(old);
  hl_record_allocate(context, address, size);
}

/* -- the index of a scan --------------------------------------------------------------------------------- */

#define HL_WORDS_SHIFT (HL_PAGE_SHIFT - 2u - 5u) /* words of bits for a page, as a power of two */

static void hl_record_index_forget(void) { hl_start.index.pages = 0; }

/* Gets memory for an index of so many pages. Each time it is half as large again, so that what was released before does
 * not add up. */
static int hl_record_index_reserve(u32 pages) {
  hl_record_index *index = &hl_start.index;
  if (pages <= index->room) return 1;
  u32 room = pages + pages / 2;
  if (index->room) {
    hl_metadata_release(index->starts, index->room << (HL_WORDS_SHIFT + 2));
    hl_metadata_release(index->before, index->room * 4);
    index->room = 0;
  }
  u32 *starts = hl_metadata_allocate(room << (HL_WORDS_SHIFT + 2));
  u32 *before = starts ? hl_metadata_allocate(room * 4) : 0;
  if (!before) {
    if (starts) hl_metadata_release(starts, room << (HL_WORDS_SHIFT + 2));
    return 0;
  }
  index->starts = starts;
  index->before = before;
  index->room = room;
  return 1;
}

/* The last block that begins at or before the bit `at`; 0 when none does. */
static u32 hl_record_start(u32 at) {
  const u32 *starts = hl_start.index.starts;
  u32 word = at >> 5, first = word & ~((1u << HL_WORDS_SHIFT) - 1);
  u32 bits = starts[word] & (0xffffffffu >> (31 - (at & 31)));
  while (!bits) {
    if (word == first) return hl_start.index.before[word >> HL_WORDS_SHIFT];
    bits = starts[--word];
  }
  return hl_start.index.low + (word * 32 + 31 - (u32)__builtin_clz(bits)) * 4;
}

/* Calls visit(address, block) for every block, in the order of addresses. */
HL_INLINE void hl_blocks_walk(void (*visit)(u32 address, hl_block *block)) {
  for (u32 word = 0; word < hl_start.index.pages << HL_WORDS_SHIFT; word++)
    for (u32 bits = hl_start.index.starts[word]; bits; bits &= bits - 1) {
      u32 address = hl_start.index.low + (word * 32 + (u32)__builtin_ctz(bits)) * 4;
      hl_record *record = hl_record_find(address);
      if (record) visit(address, &record->block);
    }
}

/* Of two blocks in one place the older one was freed where nobody saw it. */
static void hl_record_visit_overlapping(u32 address, hl_block *block) {
  hl_record *last = hl_start.index.last ? hl_record_find(hl_start.index.last) : 0;
  hl_start.index.last = address;
  if (!last || last->address + last->block.requested <= address) return;
  u32 newest = (u32)rt.alloc_objects;
  int is_older = newest - block->serial > newest - last->block.serial;
  hl_recorded_blocks.unseen++;
  if (is_older) hl_start.index.last = last->address;
  hl_record_end(is_older ? hl_record_find(address) : last);
}

/* Makes the index. Returns 0 when there is no memory for it. */
static int hl_record_index_make(void) {
  u32 low = 0xffffffffu, high = 0;
  const hl_record *entries = hl_recorded_blocks.entries;
  for (u32 i = 0; i < hl_recorded_blocks.capacity; i++) {
    u32 address = entries[i].address;
    if (!address) continue;
    if (address < low) low = address;
    if (address + entries[i].block.requested > high) high = address + entries[i].block.requested;
  }
  if (!high) return 1;
  low &= -HL_PAGE;
  u32 pages = (high - low) / HL_PAGE + 1;
  if (!hl_record_index_reserve(pages)) return 0;
  u32 *starts = hl_start.index.starts, *before = hl_start.index.before;
  hl_zero(starts, pages << (HL_WORDS_SHIFT + 2));
  hl_start.index.low = low;
  hl_start.index.pages = pages;
  for (u32 i = 0; i < hl_recorded_blocks.capacity; i++) {
    if (!entries[i].address) continue;
    u32 at = (entries[i].address - low) >> 2;
    starts[at >> 5] |= 1u << (at & 31);
  }
  hl_start.index.last = 0;
  hl_blocks_walk(hl_record_visit_overlapping);
  /* What was freed unseen has no bit any more. */
  for (u32 word = 0; word < pages << HL_WORDS_SHIFT; word++)
    for (u32 bits = starts[word]; bits; bits &= bits - 1)
      if (!hl_record_find(low + (word * 32 + (u32)__builtin_ctz(bits)) * 4)) starts[word] &= ~(bits & -bits);
  u32 last = 0;
  for (u32 page = 0; page < pages; page++) {
    before[page] = last;
    u32 start = hl_record_start((page + 1) * (HL_PAGE / 4) - 1);
    if (start) last = start;
  }
  return 1;
}

/* The block in use that has this address, and how far into it the address lies; null when there is none. */
HL_INLINE hl_block *hl_block_around(u32 address, u32 *offset) {
  if (address < hl_start.index.low) return 0;
  u32 at = (address - hl_start.index.low) >> 2;
  if (at >> (HL_PAGE_SHIFT - 2) >= hl_start.index.pages) return 0;
  u32 start = hl_record_start(at);
  if (!start) return 0;
  hl_record *record = hl_record_find(start);
  u32 distance = address - start;
  if (!record || (distance >= record->block.requested && distance)) return 0;
  *offset = distance;
  return &record->block;
}

/* The most bytes that all blocks together may have. */
HL_INLINE u32 hl_blocks_most(void) { return hl_memory_end(); }

/* Where blocks may be. */
HL_INLINE void hl_blocks_range(u32 *start, u32 *size) {
  *start = hl_start.index.low;
  *size = hl_start.index.pages << HL_PAGE_SHIFT;
}

/* -- what mark.c and scan.c ask of the graph and of cells, which only Heapline's own heap has --------------- */

static void hl_graph_forget(void) { hl_record_index_forget(); }
static int hl_graph_start(void) { return 0; }
static void hl_graph_drain(void) {}
static void hl_graph_words(u32 start, u32 end, u32 class) { (void)start, (void)end, (void)class; }
static void hl_graph_value(u32 value, const hl_numbering *numbering, u32 class) {
  (void)value, (void)numbering, (void)class;
}
static void hl_graph_finish(void) {}

static int hl_cells_sort(void) { return 0; }
static void hl_cells_forget_sorted(void) {}
static u32 hl_cells_up_to(u32 address) { return address & 0; }
static u32 hl_cell_end(const hl_cell *cell) { return cell->key.address + cell->block.requested; }
static int hl_cell_is_live(const hl_cell *cell) { return !(cell->block.owner & HL_BLOCK_FREED); }
static int hl_is_divided(u32 address) { return (int)(address & 0); }
static hl_block *hl_cell_or_block_around(u32 address, u32 *offset) { return hl_block_around(address, offset); }
static void hl_scan_requested_roots(void) {}
