/* lsan.c -- what the program says about leaks: blocks that nobody shall report, and more roots.
 *
 * The names and their meaning are LeakSanitizer's. An ignored block is a root of the scan, so that what it leads to is
 * reachable, and reports leave it out. It is known by its address and its serial, so nothing has to be done when it is
 * freed: entries whose block is gone are dropped when there is no room for another, and before each scan.
 */
#include "platform.h"

#define HL_FIRST_IGNORED 8u
#define HL_FIRST_REGIONS 4u

/* Whether there is a block or a cell in use that starts here and has this serial. */
HL_COLD int hl_is_block(u32 address, u32 serial) {
  hl_span *span;
  u32 index;
  const hl_cell *cell = hl_table_find(&hl.cells.table, address);
  if (cell && hl_cell_is_live(cell) && cell->block.serial == serial) return 1;
  const hl_block *block = address ? hl_block_find(address, &span, &index) : 0;
  return block && block->serial == serial;
}

HL_COLD void hl_ignored_drop_old(void) {
  u32 count = 0;
  for (u32 i = 0; i < rt.ignored_count; i++)
    if (hl_is_block(rt.ignored[i].address, rt.ignored[i].serial)) rt.ignored[count++] = rt.ignored[i];
  rt.ignored_count = count;
}

/* Makes an array longer by half, so that it has room for one more entry. Returns 0 when there is no memory. */
HL_COLD int hl_grow_array(void **entries, u32 *capacity, u32 count, u32 size, u32 first) {
  u32 more = *capacity ? *capacity * 2 : first;
  void *longer = hl_metadata_allocate(more * size);
  if (!longer) return 0;
  hl_copy(longer, *entries, count * size);
  if (*capacity) hl_metadata_release(*entries, *capacity * size);
  *entries = longer;
  *capacity = more;
  return 1;
}

HL_COLD void hl_ignore(u32 address, u32 serial) {
  u32 *capacity = &hl.requests.ignored_capacity;
  if (rt.ignored_count == *capacity) {
    if (*capacity) hl_ignored_drop_old();
    /* Dropping has to be worth its time. */
    if (rt.ignored_count >= *capacity / 2 &&
        !hl_grow_array((void **)&rt.ignored, capacity, rt.ignored_count, sizeof *rt.ignored, HL_FIRST_IGNORED) &&
        rt.ignored_count == *capacity)
      return;
  }
  rt.ignored[rt.ignored_count++] = (hl_ignored){address, serial};
}

/* Ignores the block around an address. Returns 0 when there is none. */
HL_COLD int hl_ignore_object(u32 address) {
  u32 start;
  const hl_cell *cell = hl_table_find(&hl.cells.table, address);
  if (cell && hl_cell_is_live(cell)) {
    hl_ignore(address, cell->block.serial);
    return 1;
  }
  const hl_block *block = hl_block_around_any(address, &start);
  if (block) hl_ignore(start, block->serial);
  return !!block;
}

HL_COLD void hl_set_disabled(u32 disabled) {
  hl.requests.disabled = disabled;
  hl_choose_paths();
}

HL_COLD void hl_region_add(u32 start, u32 size) {
  hl_leak_requests *all = &hl.requests;
  if (all->region_count == all->region_capacity &&
      !hl_grow_array((void **)&all->regions, &all->region_capacity, all->region_count, sizeof(hl_region), HL_FIRST_REGIONS))
    return;
  all->regions[all->region_count++] = (hl_region){start, size};
}

/* Returns 0 when there is no such region. */
HL_COLD int hl_region_remove(u32 start, u32 size) {
  hl_leak_requests *all = &hl.requests;
  for (u32 i = 0; i < all->region_count; i++) {
    if (all->regions[i].start != start || all->regions[i].size != size) continue;
    all->regions[i] = all->regions[--all->region_count];
    return 1;
  }
  return 0;
}

static void hl_scan_range(u32 start, u32 end);
static void hl_scan_word(u32 value);

/* Gives the scan the roots that the program has named. */
HL_COLD void hl_scan_requested_roots(void) {
  u64 memory = (u64)__builtin_wasm_memory_size(0) * HL_WASM_PAGE;
  for (u32 i = 0; i < hl.requests.region_count; i++) {
    hl_region region = hl.requests.regions[i];
    u64 end = (u64)region.start + region.size;
    if (end > memory) end = memory;
    if (region.start < end) hl_scan_range(region.start, end > 0xfffffffcu ? 0xfffffffcu : (u32)end);
  }
  hl_ignored_drop_old();
  for (u32 i = 0; i < rt.ignored_count; i++) hl_scan_word(rt.ignored[i].address);
}
