/* pools.c -- pools that the program announces, as Valgrind knows them (VALGRIND_CREATE_MEMPOOL and others).
 *
 * A pool is known by an address that the program chooses, its anchor. Its cells (cells.c) can be freed together. A
 * request that names a pool that does not exist is a fault: mostly the pool was destroyed before.
 *
 * The cells of a metapool are large pieces that further allocators divide. They are not handed out to anybody, so they
 * are not remembered.
 */
#include "platform.h"

/* Valgrind's flags. */
#define HL_POOL_AUTO_FREE 1u
#define HL_POOL_META 2u

HL_COLD void hl_pool_unknown(u32 anchor) {
  hl_fault record = {.kind = HL_FAULT_UNKNOWN_POOL, .address = anchor, .context = (u32)hl_context_here()};
  hl_fault_tell(&record);
}

/* The pool, or null after the fault was reported. */
HL_COLD hl_pool *hl_pool_named(u32 anchor) {
  hl_pool *pool = hl_table_find(&hl.cells.pools, anchor);
  if (!pool) hl_pool_unknown(anchor);
  return pool;
}

HL_COLD void hl_pool_empty(hl_pool *pool, hl_place freer) {
  while (pool->first) hl_cell_release(pool->first, freer);
}

HL_COLD void hl_pool_create(u32 anchor, u32 redzone, u32 flags) {
  hl_pool *pool = hl_table_find(&hl.cells.pools, anchor);
  if (pool) {
    /* Created again without being destroyed: a new pool at the same place. */
    hl_pool_empty(pool, hl_free_place_here());
  } else {
    if (!hl_table_reserve(&hl.cells.pools)) return;
    pool = hl_metadata_allocate(sizeof *pool);
    if (!pool) return;
    *pool = (hl_pool){.key = {.address = anchor}};
    hl_table_add(&hl.cells.pools, &pool->key);
  }
  pool->redzone = redzone;
  pool->flags = flags;
}

HL_COLD void hl_pool_destroy(u32 anchor) {
  hl_pool *pool = hl_pool_named(anchor);
  if (!pool) return;
  hl_pool_empty(pool, hl_free_place_here());
  hl_table_remove(&hl.cells.pools, &pool->key);
  hl_metadata_release(pool, sizeof *pool);
}

HL_COLD void hl_pool_move(u32 anchor, u32 to) {
  hl_pool *pool = hl_pool_named(anchor);
  if (!pool || anchor == to) return;
  if (hl_table_find(&hl.cells.pools, to)) hl_pool_destroy(to);
  hl_table_remove(&hl.cells.pools, &pool->key);
  pool->key.address = to;
  hl_table_add(&hl.cells.pools, &pool->key);
}

/* Opens a cell, and closes the redzones around it. */
HL_COLD void hl_cell_open(const hl_cell *cell, u32 redzone) {
  u32 address = cell->key.address, size = cell->block.requested;
  hl_memory_open(address, size);
  if (!redzone) return;
  hl_memory_close(address - redzone, redzone, HL_SHADOW_REDZONE);
  hl_memory_close(address + size, redzone, HL_SHADOW_REDZONE);
}

HL_COLD void hl_pool_allocate(u32 anchor, u32 address, u32 size) {
  hl_pool *pool = hl_pool_named(anchor);
  if (!pool || !address) return;
  if (pool->flags & HL_POOL_META) return;
  hl_cell *cell = hl_cell_new(address, size, hl_context_here(), pool);
  if (cell) hl_cell_open(cell, pool->redzone);
}

/* Keeps what lies in this memory: a cell outside of it is freed, and one that is partly inside becomes smaller. */
HL_COLD void hl_pool_trim(u32 anchor, u32 start, u32 size) {
  hl_pool *pool = hl_pool_named(anchor);
  if (!pool) return;
  hl_place freer = hl_free_place_here();
  u32 end = start + size;
  for (hl_cell *cell = pool->first, *next; cell && hl_cell_is_live(cell); cell = next) {
    next = cell->pool_next;
    u32 from = cell->key.address, to = from + cell->block.requested;
    u32 kept_from = from > start ? from : start, kept_to = to < end ? to : end;
    if (kept_from >= kept_to)
      hl_cell_release(cell, freer);
    else if (kept_from != from || kept_to != to)
      hl_cell_move(cell, kept_from, kept_to - kept_from);
  }
}

/* A cell of the pool; null after a fault was reported. Metapools have none that are known. */
HL_COLD hl_cell *hl_pool_cell(u32 anchor, u32 address) {
  hl_pool *pool = hl_pool_named(anchor);
  if (!pool || pool->flags & HL_POOL_META) return 0;
  return hl_cell_to_free(address);
}

HL_COLD void hl_pool_free(u32 anchor, u32 address) {
  hl_cell *cell = hl_pool_cell(anchor, address);
  if (cell) hl_cell_release(cell, hl_free_place_here());
}

HL_COLD void hl_pool_change(u32 anchor, u32 address, u32 to, u32 size) {
  hl_cell *cell = hl_pool_cell(anchor, address);
  if (!cell) return;
  cell = hl_cell_move(cell, to, size);
  if (cell) hl_memory_open(to, size);
}
