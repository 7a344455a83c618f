/* ledger.c -- what each context allocated, holds, held at the peak; temporary blocks; lifetime.
 *
 * Peak. A new maximum of live bytes starts a peak. Each context's share at the peak is its live value then,
 * and it is copied lazily: the first change of the context after the peak saves it and stamps it with the
 * current epoch. The next peak starts a new epoch, unless nothing was saved since the last one. So a context's
 * share is: saved when its epoch is the current one, its live value otherwise.
 *
 * Lifetime. The clock is the number of bytes ever allocated, the block's own included, so a block freed before
 * the next allocation lived for 0 bytes.
 */
#include "platform.h"

HL_INLINE void hl_ledger_save_peak(hl_node *node) {
  if (node->peak_epoch != rt.peak_epoch) {
    node->peak_epoch = rt.peak_epoch;
    node->peak_objects = node->live_objects;
    node->peak_bytes = node->live_bytes;
    hl.peak_dirty = 1;
  }
}

HL_INLINE void hl_ledger_allocate(hl_node *node, u32 address, u32 size) {
  u32 live = rt.live_bytes + size;
  rt.live_bytes = live;
  rt.live_objects++;
  rt.alloc_objects++;
  u64 clock = rt.alloc_bytes + size;
  rt.alloc_bytes = clock;
  if (live > rt.peak_bytes) {
    rt.peak_bytes = live;
    rt.peak_objects = rt.live_objects;
    if (hl.peak_dirty) {
      hl.peak_dirty = 0;
      rt.peak_epoch++;
    }
  } else {
    hl_ledger_save_peak(node);
  }
  node->alloc_objects++;
  node->alloc_bytes += size;
  node->live_objects++;
  node->live_bytes += size;
  node->lifetime -= (i64)clock;
  hl.last_block = address;
}

HL_INLINE void hl_ledger_free(hl_node *node, u32 address, u32 size) {
  hl_ledger_save_peak(node);
  rt.live_bytes -= size;
  rt.live_objects--;
  node->live_bytes -= size;
  node->live_objects--;
  node->lifetime += (i64)rt.alloc_bytes;
  if (hl.last_block == address) {
    node->temporary_objects++;
    node->temporary_bytes += size;
  }
}
