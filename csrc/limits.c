/* limits.c -- allocations that fail although there is memory.
 *
 * The host may limit how many blocks are in use, and how large one may be. It may also count the attempts to allocate,
 * be told of each, and let some of them fail. An attempt is a call of the allocation family that needs a block, or that
 * changes the size of one. While the host counts, every attempt takes the slow path. So the fast path costs nothing more
 * while there is no limit (hl_fast_limit), and only realloc has a test of its own.
 */
#include "platform.h"

static void hl_set_limits(void);

/* Tells the host of an attempt. It may throw, which stops the guest before anything has changed. */
HL_COLD void hl_attempt_tell(u32 size) {
  hl.failure = (hl_fault){.kind = HL_FAULT_ATTEMPT, .context = (u32)hl_context(), .block_size = size};
  heapline_host_fault(&hl.failure);
}

/* Whether an allocation has to fail. @param adds whether there would be one more block */
HL_COLD int hl_limits_refuse(u32 size, int adds) {
  hl_limits *limits = &hl.limits;
  if (limits->counts) {
    u32 attempt = ++limits->attempts;
    if (limits->tells) hl_attempt_tell(size);
    if (attempt >= limits->first_failing && attempt <= limits->last_failing) return 1;
  }
  if (limits->most_bytes && size > limits->most_bytes) return 1;
  u32 blocks = (u32)rt.alloc_objects - rt.freed_objects;
  return adds && limits->most_blocks && blocks >= limits->most_blocks;
}

/* The first size that does not take the fast path of an allocation. */
HL_INLINE u32 hl_limits_fast(u32 otherwise) {
  if (hl.limits.counts || hl.limits.most_blocks) return 0;
  return hl.limits.most_bytes && hl.limits.most_bytes < otherwise ? hl.limits.most_bytes + 1 : otherwise;
}

static void hl_limits_changed(void) {
  hl.limits.in_force = hl.limits.counts || hl.limits.most_blocks || hl.limits.most_bytes;
  if (hl.initialised) hl_set_limits();
}

/* 0 stands for no limit. */
HL_INLINE void hl_limits_set(u32 most_blocks, u32 most_bytes) {
  hl.limits.most_blocks = most_blocks;
  hl.limits.most_bytes = most_bytes;
  hl_limits_changed();
}

/* Counts attempts from 1 on; with `first` 0 it counts no longer. */
HL_INLINE void hl_limits_count(u32 first, u32 last, u32 tells) {
  hl.limits.counts = first != 0;
  hl.limits.tells = tells;
  hl.limits.attempts = 0;
  hl.limits.first_failing = first;
  hl.limits.last_failing = last;
  hl_limits_changed();
}
