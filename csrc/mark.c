/* mark.c -- marking blocks in their own metadata: for small heaps, and for large ones when there is no memory for a
 * graph.
 *
 * Nothing is allocated. Blocks that are to be looked into wait on a stack, in the part of the shadow stack that no
 * frame uses. A block that does not fit there is marked in its metadata and found by a walk over the heap, as the
 * Boehm collector handles an overflow of its mark stack.
 */
#include "platform.h"

enum {
  HL_UNREACHED = HL_BLOCK_CLASS_DEFINITE << HL_BLOCK_CLASS_SHIFT,
  HL_INDIRECT = HL_BLOCK_CLASS_INDIRECT << HL_BLOCK_CLASS_SHIFT,
  HL_POSSIBLE = HL_BLOCK_CLASS_POSSIBLE << HL_BLOCK_CLASS_SHIFT,
  HL_REACHABLE = HL_BLOCK_CLASS_REACHABLE << HL_BLOCK_CLASS_SHIFT,
  /* The block waits to be looked into and is not on the stack. */
  HL_WAITING = 8,
  HL_MARK_BITS = HL_BLOCK_CLASS_MASK | HL_WAITING,
};

HL_INLINE void hl_mark_push(u32 address, hl_block *block) {
  if (HL_LIKELY(hl.mark.top < hl.mark.limit)) {
    *hl.mark.top++ = (hl_waiting){address, block};
    return;
  }
  block->owner |= HL_WAITING;
  hl.mark.waiting = 1;
}

/* `class` is the class that a block gets from a pointer to its start. A pointer into its middle gives it a lesser
 * one. */
HL_INLINE void hl_mark_value(u32 value, u32 class) {
  if (HL_LIKELY(value - hl.mark.heap_start >= hl.mark.heap_size)) return;
  u32 offset;
  hl_block *block =
      HL_LIKELY(!hl.cells.sorted) ? hl_block_around(value, &offset) : hl_cell_or_block_around(value, &offset);
  if (!block) return;
  u32 before = block->owner & HL_BLOCK_CLASS_MASK;
  if (before == HL_REACHABLE) return;
  if (class == HL_INDIRECT) {
    if (before != HL_UNREACHED || block == hl.mark.leader) return;
  } else {
    if (class == HL_REACHABLE && !hl_is_start(value - offset, offset, block->requested)) class = HL_POSSIBLE;
    if (before == class) return;
  }
  block->owner = (block->owner & ~(u32)HL_BLOCK_CLASS_MASK) | class;
  hl_mark_push(value - offset, block);
}

/* Skips freed cells. */
HL_COLD void hl_mark_words_beside_cells(u32 start, u32 end, u32 class) {
  hl_cell **cells = hl.cells.sorted;
  u32 count = hl.cells.sorted_count, next = hl_cells_up_to(start);
  if (next) next--;
  for (u32 at = start; at < end;) {
    while (next < count && hl_cell_end(cells[next]) <= at) next++;
    if (next < count && cells[next]->key.address <= at && !hl_cell_is_live(cells[next])) {
      at = (hl_cell_end(cells[next]) + 3) & ~3u;
      continue;
    }
    hl_mark_value(hl_word_at(at), class);
    at += 4;
  }
}

HL_INLINE void hl_mark_words(u32 start, u32 end, u32 class) {
  if (HL_UNLIKELY(hl.cells.sorted != 0)) {
    hl_mark_words_beside_cells(start, end, class);
    return;
  }
  for (const u32 *word = (const u32 *)start; word < (const u32 *)end; word++) hl_mark_value(*word, class);
}

HL_SLOW void hl_mark_block(u32 address, hl_block *block) {
  u32 class = hl.mark.leader ? HL_INDIRECT : block->owner & HL_BLOCK_CLASS_MASK;
  /* Cells may have any address. */
  hl_mark_words((address + 3) & ~3u, (address + block->requested) & ~3u, class);
}

/* Calls visit(address, block) for every block in use, in the order of addresses, and then for the cells. */
HL_INLINE void hl_mark_walk(void (*visit)(u32 address, hl_block *block)) {
  hl_blocks_walk(visit);
  if (HL_LIKELY(!hl.cells.sorted)) return;
  for (u32 i = 0; i < hl.cells.sorted_count; i++) {
    hl_cell *cell = hl.cells.sorted[i];
    if (hl_cell_is_live(cell)) visit(cell->key.address, &cell->block);
  }
}

static void hl_mark_drain_stack(void) {
  while (hl.mark.top > hl.mark.bottom) {
    hl_waiting next = *--hl.mark.top;
    hl_mark_block(next.address, next.block);
  }
}

static void hl_mark_visit_waiting(u32 address, hl_block *block) {
  if (!(block->owner & HL_WAITING)) return;
  block->owner &= ~(u32)HL_WAITING;
  hl_mark_block(address, block);
  hl_mark_drain_stack();
}

static void hl_mark_drain(void) {
  hl_mark_drain_stack();
  while (hl.mark.waiting) {
    hl.mark.waiting = 0;
    hl_mark_walk(hl_mark_visit_waiting);
  }
}

static void hl_mark_visit_unreached(u32 address, hl_block *block) {
  if ((block->owner & HL_BLOCK_CLASS_MASK) != HL_UNREACHED) return;
  /* The holder of cells in use is no block. */
  if (HL_UNLIKELY(hl.cells.sorted != 0) && hl_is_divided(address)) return;
  hl.mark.leader = block;
  hl_mark_block(address, block);
  hl_mark_drain();
}

static void hl_mark_visit_clear(u32 address, hl_block *block) {
  (void)address;
  block->owner &= ~(u32)HL_MARK_BITS;
}

static void hl_mark_start(void) {
  hl_mark_walk(hl_mark_visit_clear);
  hl.mark.bottom = hl.mark.top = (hl_waiting *)(rt.top + 1);
  hl.mark.limit = (hl_waiting *)(HL_LAST_SLOT + 1);
  hl_blocks_range(&hl.mark.heap_start, &hl.mark.heap_size);
  if (hl.cells.sorted) {
    /* Cells may lie anywhere. */
    hl.mark.heap_start = 0;
    hl.mark.heap_size = -1u;
  }
  hl.mark.leader = 0;
  hl.mark.waiting = 0;
}

static void hl_mark_finish(void) {
  hl_mark_walk(hl_mark_visit_unreached);
  hl.mark.leader = 0;
}
