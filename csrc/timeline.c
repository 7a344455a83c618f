/* timeline.c -- tells the host from time to time how the heap is doing.
 *
 * The host writes the points of the timeline down, because it has a clock and room. It says how many bytes are to be
 * allocated until the next point. The runtime looks whether it is time where allocating is slow anyway: where a class
 * needs another span, and where a large block is made or grows. So the fast paths know nothing of it.
 *
 * At a point the ledger is whole, and the block that is asked for is not counted yet.
 */
#include "platform.h"

/* Returns the number of allocated bytes from which on a point is wanted. 0 stands for never. */
HL_INLINE u64 hl_timeline_after(u32 step) { return step ? rt.alloc_bytes + step : 0; }

HL_COLD void hl_timeline_point(u32 bytes) { hl.timeline_next = hl_timeline_after(heapline_host_point(bytes)); }

/* A point, when it is time. */
HL_INLINE void hl_timeline_look(u32 bytes) {
  if (HL_UNLIKELY(hl.timeline_next - 1 < rt.alloc_bytes)) hl_timeline_point(bytes);
}

HL_INLINE void hl_timeline_set(u32 step) { hl.timeline_next = hl_timeline_after(step); }
