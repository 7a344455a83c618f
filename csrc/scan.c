/* scan.c -- which blocks can still be reached: Valgrind's leak classes, by a scan of linear memory.
 *
 * The host names the roots (ranges of memory, single words) and asks for the classes; they are left in the blocks'
 * metadata (HL_BLOCK_CLASS_*), from where the host reads them. Nothing of the program's is written, and a scan can be
 * made at any time, again and again.
 *
 *   heapline_scan_start()             forgets the classes of the last scan; what heapline_check() looks at must be whole
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

/* What the root ranges leave out: the runtime's own data, which knows every block. In code and not in a table, which the
 * program could write over. */
#define HL_EACH_OWN_DATA(each)                                                                       \
  each(hl_first_chunk) each(hl_root_account) each(hl_first_span_chunk) each(hl_fault_ring) each(hl_failure) \
      each(hl_no_child) each(hl_first_contexts) each(heapline_shadow) each(heapline_runtime) each(hl)       \
          each(hl_no_span) each(hl_mark) each(hl_graph) each(hl_graph_limits)

/* Cuts a range where own data starts in it, and tells where to go on behind. */
HL_INLINE void hl_scan_leave_out(u32 start, u32 own, u32 size, u32 *stop, u32 *skip) {
  if (own + size <= start || own >= *stop) return;
  *stop = own > start ? own : start;
  *skip = own + size;
}

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
#define HL_LEAVE_OUT(data) hl_scan_leave_out(start, (u32)&data, sizeof data, &stop, &skip);
    HL_EACH_OWN_DATA(HL_LEAVE_OUT)
#undef HL_LEAVE_OUT
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
