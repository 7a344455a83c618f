/* scan.c -- which blocks can still be reached: Valgrind's leak classes, by a scan of linear memory.
 *
 * The host names the roots (ranges of memory, single words) and asks for the classes. The scan leaves them in the
 * blocks' metadata (HL_BLOCK_CLASS_*), and the host reads them there. Nothing of the program's is written, and a scan
 * can be made at any time, again and again. heapline_check() must have found the heap whole before.
 *
 * pointers.c says which words are pointers. A pointer to the start of a block makes the block reachable, and a
 * pointer into the middle makes it possibly reached. Everything that a possibly reached block points to is possibly
 * reached. All other blocks are lost: in the order of addresses, each block that is not reached yet leads a clique,
 * and the blocks it leads to are indirectly lost. A former leader that turns up in a later clique is no leader any
 * more.
 *
 * There are two ways to do this. Small heaps are marked in their metadata (mark.c), which allocates nothing. In large
 * heaps every step of that would wait for memory, so their pointers are first gathered in a compact graph (graph.c),
 * which exists for as long as the scan lasts. Without memory for the graph, a large heap is marked like a small one.
 * So is a heap with cells (cells.c), because these have no numbers by page.
 */
#include "platform.h"

/* Cuts a range where memory of the runtime's own starts in it, and says where the range goes on behind that memory.
 * The addresses are in the code and not in a table, which the program could write over. */
HL_INLINE void hl_scan_leave_out(u32 start, u32 own, u32 size, u32 *stop, u32 *skip) {
  if (own + size <= start || own >= *stop) return;
  *stop = own > start ? own : start;
  *skip = own + size;
}

HL_INLINE void hl_scan_start(void) {
  hl_graph_forget();
  if (hl_cells_sort() || !hl.initialised || rt.heap_bytes < hl_start.limits.heap_least || !hl_graph_start()) hl_mark_start();
}

static void hl_scan_drain(void) {
  if (hl.graph.tables)
    hl_graph_drain();
  else
    hl_mark_drain();
}

static void hl_scan_range(u32 start, u32 end) {
  start = (start + 3) & ~3u;
  end &= ~3u;
  while (start < end) {
    u32 stop = end, skip = end;
    hl_scan_leave_out(start, (u32)&heapline_runtime, sizeof heapline_runtime, &stop, &skip);
    hl_scan_leave_out(start, (u32)&heapline_shadow, sizeof heapline_shadow, &stop, &skip);
    if (hl.graph.tables)
      hl_graph_words(start, stop, HL_BLOCK_CLASS_REACHABLE);
    else
      hl_mark_words(start, stop, HL_REACHABLE);
    start = skip;
  }
  hl_scan_drain();
}

static void hl_scan_word(u32 value) {
  if (hl.graph.tables)
    hl_graph_value(value, &hl.graph.numbering, HL_BLOCK_CLASS_REACHABLE);
  else
    hl_mark_value(value, HL_REACHABLE);
  hl_scan_drain();
}

HL_INLINE void hl_scan_finish(void) {
  hl_scan_requested_roots();
  if (hl.graph.tables)
    hl_graph_finish();
  else
    hl_mark_finish();
  hl_graph_forget();
  hl_cells_forget_sorted();
}

#if HL_TEST_HOOKS
HL_INLINE void hl_scan_set_limits(u32 heap_least, u32 piece, u32 lists_most) {
  hl_start.limits = (hl_scan_limits){heap_least, piece, lists_most};
}
#endif
