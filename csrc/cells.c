/* cells.c -- what allocators of the program's own hand out, as the program says in client requests.
 *
 * A pool takes a block from malloc and hands out parts of it. Without its help nobody sees which parts are in use, and
 * the block is all that a profile shows. A program that tells the runtime (VALGRIND_MALLOCLIKE_BLOCK and others) makes
 * each part a cell: it has its own context, counts in the ledger, and can leak.
 *
 * Memory counts once. A cell takes its bytes from the block around it, its holder, whose context then holds so much less.
 * When the cell is freed, the holder has them back. The block itself, and what was ever allocated, stay as they are.
 *
 *      holder    | 4096 bytes: 4032 of pool.c:14      |
 *      cells     |    [64 of main.c:7]                |
 *
 * When the holder is freed, its cells go with it. For that, free and realloc take their slow path while there are
 * holders. A freed cell remains known until its address is handed out again or its holder is freed, so that a second free
 * of it is a double free.
 *
 * In a leak scan, cells are blocks, and a holder with cells in use is not one: nothing in it counts except its cells, as
 * in Valgrind's memcheck. What freed cells still contain is not looked at, wherever they are. Cells may lie anywhere, in
 * static data too.
 */
#include "platform.h"

#define HL_CELLS_FEW 18u /* with the chunk's header, 1000 bytes */
#define HL_CELLS_MANY 312u

HL_INLINE int hl_cell_is_live(const hl_cell *cell) { return !(cell->block.owner & HL_BLOCK_FREED); }

/* Which way free and realloc take. */
HL_COLD void hl_choose_paths(void) {
  hl.keeps_freed = hl.quarantine.limit || hl.shadow.base || hl.cells.holders.count || hl.requests.disabled;
  hl.free_pages = hl.keeps_freed ? 0 : hl.map_pages;
  hl_set_limits();
}

/* -- entries ---------------------------------------------------------------------------------------------- */

HL_COLD int hl_cells_reserve(void) {
  if (hl.cells.unused) return 1;
  u32 capacity = hl.cells.table.count < 64 ? HL_CELLS_FEW : HL_CELLS_MANY;
  hl_chunk *chunk = hl_metadata_allocate(sizeof *chunk + capacity * sizeof(hl_cell));
  if (!chunk) return 0;
  chunk->next = 0;
  chunk->used = chunk->capacity = capacity;
  hl_cell *cells = (hl_cell *)(chunk + 1);
  for (u32 i = capacity; i-- > 0;) {
    cells[i] = (hl_cell){.block = {.owner = HL_BLOCK_FREED}};
    cells[i].key.same_hash = (hl_keyed *)hl.cells.unused;
    hl.cells.unused = &cells[i];
  }
  if (hl.cells.last_chunk)
    hl.cells.last_chunk->next = chunk;
  else
    rt.first_cell_chunk = chunk;
  hl.cells.last_chunk = chunk;
  return 1;
}

/* The block in use around an address, anywhere in memory, and its start. */
HL_COLD hl_block *hl_block_around_any(u32 address, u32 *start) {
  u32 offset, page = hl_page_of(address);
  if (page >= hl.map_pages || address < hl.heap_start) return 0;
  hl_block *block = hl_block_around(address, &offset);
  if (block) *start = address - offset;
  return block;
}

HL_COLD hl_holder *hl_holder_for(u32 start) {
  hl_holder *holder = hl_table_find(&hl.cells.holders, start);
  if (holder) return holder;
  if (!hl_table_reserve(&hl.cells.holders)) return 0;
  holder = hl_metadata_allocate(sizeof *holder);
  if (!holder) return 0;
  *holder = (hl_holder){.key = {.address = start}};
  hl_table_add(&hl.cells.holders, &holder->key);
  hl_choose_paths();
  return holder;
}

HL_COLD void hl_cell_forget(hl_cell *cell) {
  if (cell->next) cell->next->previous = cell->previous;
  if (cell->previous)
    cell->previous->next = cell->next;
  else
    cell->holder->first = cell->next;
  hl_table_remove(&hl.cells.table, &cell->key);
  *cell = (hl_cell){.block = {.owner = HL_BLOCK_FREED}};
  cell->key.same_hash = (hl_keyed *)hl.cells.unused;
  hl.cells.unused = cell;
}

HL_COLD void hl_holder_forget_when_empty(hl_holder *holder) {
  if (holder->first) return;
  hl_table_remove(&hl.cells.holders, &holder->key);
  hl_metadata_release(holder, sizeof *holder);
  hl_choose_paths();
}

/* -- fast paths of others, out of line because requests are rare ---------------------------------------- */

HL_COLD hl_node *hl_context_here(void) { return hl_context(); }
HL_COLD hl_place hl_free_place_here(void) { return hl_free_place(); }
HL_COLD u32 hl_ledger_allocate_here(hl_node *node, u32 size) { return hl_ledger_allocate(node, size, 0); }
HL_COLD void hl_ledger_free_here(const hl_block *block, u32 size) { hl_ledger_free(block, size); }

/* -- the ledger ------------------------------------------------------------------------------------------- */

/* The account of a block. A bud grows into a node for it. Null when there is no memory for that. */
HL_COLD hl_account *hl_block_account(const hl_block *block) {
  u32 owner = block->owner & HL_BLOCK_OWNER_MASK;
  if (!(block->owner & HL_BLOCK_BUD)) return (hl_account *)owner;
  hl_bud *bud = (hl_bud *)owner;
  while (hl_is_bud(&bud->node))
    if (!hl_bud_grow(bud, hl_children(bud->node.parent))) return 0;
  return hl_account_of(&bud->node);
}

/* Takes bytes of a holder out of what its context holds. Returns how many they are. */
HL_COLD u32 hl_ledger_set_aside(const hl_block *block, u32 bytes) {
  hl_account *account = hl_block_account(block);
  if (!account) return 0;
  hl_ledger_save_peak(account);
  account->freed_bytes += bytes;
  rt.freed_bytes += bytes;
  return bytes;
}

HL_COLD void hl_ledger_take_back(const hl_block *block, u32 bytes) {
  if (!bytes) return;
  hl_account *account = hl_block_account(block);
  if (!account) hl_damaged(); /* it had one when the bytes were set aside */
  hl_ledger_save_peak(account);
  account->freed_bytes -= bytes;
  rt.freed_bytes -= bytes;
}

/* -- handing out and taking back -------------------------------------------------------------------------- */

HL_COLD void hl_cell_leave_pool(hl_cell *cell) {
  if (!cell->pool) return;
  if (cell->pool_next) cell->pool_next->pool_previous = cell->pool_previous;
  if (cell->pool_previous)
    cell->pool_previous->pool_next = cell->pool_next;
  else
    cell->pool->first = cell->pool_next;
  cell->pool = 0;
  cell->pool_next = cell->pool_previous = 0;
}

/* Frees a cell in use. */
HL_COLD void hl_cell_release(hl_cell *cell, hl_place freer) {
  HL_ASSERT(hl_cell_is_live(cell));
  u32 size = cell->block.requested, start;
  hl_ledger_free_here(&cell->block, size);
  const hl_block *around = cell->held ? hl_block_around_any(cell->inside, &start) : 0;
  if (around) hl_ledger_take_back(around, cell->held);
  cell->holder->held -= cell->held;
  cell->holder->live--;
  hl.cells.live--;
  hl_cell_leave_pool(cell);
  cell->block.owner |= HL_BLOCK_FREED;
  hl_block_set_freed(&cell->block, freer | (u64)HL_QUARANTINED << (32 + HL_NEXT_FREE_SHIFT));
  cell->held = size;
  hl_memory_close(cell->key.address, size, HL_SHADOW_FREED);
}

HL_COLD void hl_cell_drop(hl_cell *cell, hl_place freer) {
  if (hl_cell_is_live(cell)) hl_cell_release(cell, freer);
  hl_cell_forget(cell);
}

/* Puts an unused entry into the lists. */
HL_COLD void hl_cell_enter(hl_cell *cell, hl_holder *holder, hl_pool *pool) {
  cell->holder = holder;
  cell->inside = holder->key.address;
  cell->next = holder->first;
  if (holder->first) holder->first->previous = cell;
  holder->first = cell;
  holder->live++;
  cell->pool = pool;
  if (pool) {
    cell->pool_next = pool->first;
    if (pool->first) pool->first->pool_previous = cell;
    pool->first = cell;
  }
  hl_table_add(&hl.cells.table, &cell->key);
  hl.cells.live++;
  hl.cells.ever = 1;
}

/* Takes the bytes of a cell from its holder, as far as other cells have left them. */
HL_COLD void hl_cell_hold(hl_cell *cell, const hl_block *around, u32 size) {
  hl_holder *holder = cell->holder;
  u32 most = around->requested - (cell->key.address - cell->inside), left = around->requested - holder->held;
  if (most > left) most = left;
  if (size < most) most = size;
  cell->held = most ? hl_ledger_set_aside(around, most) : 0;
  holder->held += cell->held;
}

/* A new cell, or null when there is no memory for what the runtime keeps about it: then it is no block of anybody. */
HL_COLD hl_cell *hl_cell_new(u32 address, u32 size, hl_node *node, hl_pool *pool) {
  hl_cell *known = hl_table_find(&hl.cells.table, address);
  if (known) {
    /* It is handed out again. A pool that is emptied as a whole need not have said so. */
    hl_holder *before = known->holder;
    hl_cell_drop(known, hl_place_of(node, 0));
    hl_holder_forget_when_empty(before);
  }
  u32 start = 0;
  const hl_block *around = hl_block_around_any(address, &start);
  hl_holder *holder = hl_holder_for(start);
  if (!holder) return 0;
  if (!hl_cells_reserve() || !hl_table_reserve(&hl.cells.table)) {
    hl_holder_forget_when_empty(holder);
    return 0;
  }
  hl_cell *cell = hl.cells.unused;
  hl.cells.unused = (hl_cell *)cell->key.same_hash;
  *cell = (hl_cell){.key = {.address = address}};
  hl_cell_enter(cell, holder, pool);
  if (around) hl_cell_hold(cell, around, size);
  hl_block_hand_out(&cell->block, hl_ledger_allocate_here(node, size), size);
  if (hl.requests.disabled) hl_ignore(address, cell->block.serial);
  return cell;
}

/* Gives a cell another place and size. Its context stays the same. */
HL_COLD hl_cell *hl_cell_move(hl_cell *cell, u32 address, u32 size) {
  hl_account *account = hl_block_account(&cell->block);
  hl_node *node = account ? account->node : rt.root_node;
  hl_pool *pool = cell->pool;
  hl_holder *before = cell->holder;
  hl_cell_drop(cell, hl_place_of(node, 0));
  hl_cell *moved = hl_cell_new(address, size, node, pool);
  hl_holder_forget_when_empty(before);
  return moved;
}

/* The block at this address is freed or moves, and its cells go with it. */
HL_COLD void hl_cells_leave(u32 address, hl_place freer) {
  hl_holder *holder = hl_table_find(&hl.cells.holders, address);
  if (!holder) return;
  while (holder->first) hl_cell_drop(holder->first, freer);
  hl_holder_forget_when_empty(holder);
}

/* The cell in use that starts here. When there is none it reports a fault and returns null. */
HL_COLD hl_cell *hl_cell_to_free(u32 address) {
  hl_cell *cell = hl_table_find(&hl.cells.table, address);
  if (cell && hl_cell_is_live(cell)) return cell;
  if (!cell) {
    hl_fault_report(address, 0);
    return 0;
  }
  hl_fault record = {
      .kind = HL_FAULT_DOUBLE_FREE,
      .address = address,
      .context = (u32)hl_context_here(),
      .alloc_context = (u32)hl_block_context(&cell->block),
      .free_context = (u32)hl_block_freer(&cell->block),
      .block = address,
      .block_size = cell->held,
  };
  hl_fault_tell(&record);
  return 0;
}

/* -- the leak scan ---------------------------------------------------------------------------------------- */

HL_COLD void hl_cells_forget_sorted(void) {
  if (!hl.cells.sorted) return;
  hl_metadata_release(hl.cells.sorted, hl.cells.sorted_bytes);
  hl.cells.sorted = 0;
}

HL_COLD void hl_sift_down(hl_cell **cells, u32 at, u32 count) {
  for (u32 child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && cells[child + 1]->key.address > cells[child]->key.address) child++;
    if (cells[at]->key.address >= cells[child]->key.address) return;
    hl_cell *cell = cells[at];
    cells[at] = cells[child];
    cells[child] = cell;
  }
}

/* Heapsort: it needs no stack and no luck. */
HL_COLD void hl_cells_sort_by_address(hl_cell **cells, u32 count) {
  for (u32 i = count / 2; i-- > 0;) hl_sift_down(cells, i, count);
  for (u32 end = count; end-- > 1;) {
    hl_cell *largest = cells[0];
    cells[0] = cells[end];
    cells[end] = largest;
    hl_sift_down(cells, 0, end);
  }
}

HL_INLINE u32 hl_cell_size(const hl_cell *cell) { return hl_cell_is_live(cell) ? cell->block.requested : cell->held; }
HL_INLINE u32 hl_cell_end(const hl_cell *cell) { return cell->key.address + hl_cell_size(cell); }

/* Leaves out freed cells whose memory is in use by another cell. */
HL_COLD u32 hl_cells_without_reused(hl_cell **cells, u32 count) {
  u32 next = -1u, end = 0, kept = 0;
  for (u32 i = count; i-- > 0;) {
    if (hl_cell_is_live(cells[i]))
      next = cells[i]->key.address;
    else if (hl_cell_end(cells[i]) > next)
      cells[i] = 0;
  }
  for (u32 i = 0; i < count; i++) {
    if (!cells[i] || (!hl_cell_is_live(cells[i]) && cells[i]->key.address < end)) continue;
    if (hl_cell_is_live(cells[i])) end = hl_cell_end(cells[i]);
    cells[kept++] = cells[i];
  }
  return kept;
}

/* Sorts the cells. Returns 0 when there are none, or no memory for it: then holders count as ordinary blocks. */
HL_COLD int hl_cells_sort(void) {
  hl_cells_forget_sorted();
  u32 count = 0, bytes = hl.cells.table.count * sizeof(hl_cell *);
  if (!bytes) return 0;
  hl_structs_reserve();
  hl_cell **sorted = hl_metadata_allocate(bytes);
  if (!sorted) return 0;
  for (hl_chunk *chunk = rt.first_cell_chunk; chunk; chunk = chunk->next) {
    hl_cell *cells = (hl_cell *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++)
      if (cells[i].holder) sorted[count++] = &cells[i];
  }
  hl_cells_sort_by_address(sorted, count);
  hl.cells.sorted = sorted;
  hl.cells.sorted_bytes = bytes;
  hl.cells.sorted_count = hl_cells_without_reused(sorted, count);
  return 1;
}

/* The number of sorted cells that start at this address or before. */
HL_COLD u32 hl_cells_up_to(u32 address) {
  u32 low = 0, high = hl.cells.sorted_count;
  while (low < high) {
    u32 middle = low + (high - low) / 2;
    if (hl.cells.sorted[middle]->key.address <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Whether the block at this address is known by its cells alone. */
HL_INLINE int hl_is_divided(u32 address) {
  const hl_holder *holder = hl_table_find(&hl.cells.holders, address);
  return holder && holder->live;
}

/* The cell in use around an address or, in other memory, the block in use that is no holder of cells. */
HL_COLD hl_block *hl_cell_or_block_around(u32 address, u32 *offset) {
  u32 before = hl_cells_up_to(address);
  hl_cell *cell = before ? hl.cells.sorted[before - 1] : 0;
  if (cell && hl_cell_is_live(cell)) {
    *offset = address - cell->key.address;
    if (*offset < cell->block.requested || !*offset) return &cell->block;
  }
  u32 start;
  hl_block *block = hl_block_around_any(address, &start);
  if (!block || hl_is_divided(start)) return 0;
  *offset = address - start;
  return block;
}
