/* scan.c -- which blocks can still be reached: Valgrind's leak classes, by a scan of linear memory.
 *
 * The host names the roots (ranges of memory, single words) and asks for the classes; they are left in the blocks'
 * metadata (HL_BLOCK_CLASS_*), from where the host reads them. Nothing of the program's is written, and a scan can be
 * made at any time, again and again.
 *
 *   heapline_scan_start()             forgets the classes of the last scan
 *   heapline_scan_range(start, end)   a root: all aligned words in it
 *   heapline_scan_word(value)         a root of one word
 *   heapline_scan_finish()            follows what the roots lead to, then classes the rest
 *
 * What is a pointer is for pointers.c to say. One to the start of a block makes it reachable, one into the middle
 * possibly reached, and what a possibly reached block points to is possibly reached. The rest is lost: in the order of
 * addresses, each block that is not reached yet leads a clique, what it leads to is indirectly lost, and a former
 * leader that turns up in a later clique is no leader any more.
 *
 * There are two ways to do the same. Small heaps are marked in their metadata (mark.c), which allocates nothing. In
 * large ones every step of that waits for memory, so first their pointers are gathered in a compact graph (graph.c),
 * for as long as the scan lasts; without memory for that they are marked like small ones.
 */
#include "platform.h"

/* What the root ranges leave out: the runtime's own data, which knows every block. */
static const struct {
  const void *start;
  u32 size;
} hl_own_data[] = {
    {&hl_first_chunk, sizeof hl_first_chunk},
    {&hl_root_account, sizeof hl_root_account},
    {&hl_first_span_chunk, sizeof hl_first_span_chunk},
    {hl_fault_ring, sizeof hl_fault_ring},
    {&hl_no_child, sizeof hl_no_child},
    {hl_first_contexts, sizeof hl_first_contexts},
    {heapline_shadow, sizeof heapline_shadow},
    {&heapline_runtime, sizeof heapline_runtime},
    {&hl, sizeof hl},
    {&hl_no_span, sizeof hl_no_span},
    {&hl_mark, sizeof hl_mark},
    {&hl_graph, sizeof hl_graph},
    {&hl_graph_limits, sizeof hl_graph_limits},
};

void heapline_scan_start(void) {
  hl_graph_forget();
  if (!hl.initialised || rt.heap_bytes < hl_graph_limits.heap_least || !hl_graph_start()) hl_mark_start();
}

static void hl_scan_drain(void) {
  if (hl_graph.tables)
    hl_graph_drain();
  else
    hl_mark_drain();
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
    if (hl_graph.tables)
      hl_graph_words(start, stop, HL_BLOCK_CLASS_REACHABLE);
    else
      hl_mark_words(start, stop, HL_REACHABLE);
    start = skip;
  }
  hl_scan_drain();
}

void heapline_scan_word(u32 value) {
  if (hl_graph.tables)
    hl_graph_value(value, &hl_graph.numbering, HL_BLOCK_CLASS_REACHABLE);
  else
    hl_mark_value(value, HL_REACHABLE);
  hl_scan_drain();
}

void heapline_scan_finish(void) {
  if (hl_graph.tables)
    hl_graph_finish();
  else
    hl_mark_finish();
  hl_graph_forget();
}

/* For tests; the linker drops it elsewhere. */
void heapline_scan_limits(u32 heap_least, u32 piece, u32 lists_most) {
  hl_graph_limits.heap_least = heap_least;
  hl_graph_limits.piece = piece;
  hl_graph_limits.lists_most = lists_most;
}
