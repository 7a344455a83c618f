/* ledger.c -- what each context allocated, holds, held at the peak; temporary blocks; lifetime.
 *
 * Peak. A new maximum of live bytes starts a peak. A context's share of the peak is what it held then, and the share
 * is saved late: the first change of the context after the peak saves it, together with the number of the current
 * epoch. The next peak starts a new epoch, unless nothing was saved since the last one. So the share is the saved one
 * when the context's epoch is the current one, and what the context holds now otherwise.
 *
 * Lifetime. The clock is the number of bytes ever allocated. It includes the block's own bytes, so a block that is
 * freed before the next allocation lived for 0 bytes.
 */
#include "platform.h"

HL_INLINE void hl_ledger_save_peak(hl_account *account) {
  if (account->peak_epoch != rt.peak_epoch) {
    account->peak_epoch = rt.peak_epoch;
    account->peak_objects = (u32)account->alloc_objects - account->freed_objects;
    account->peak_bytes = (u32)account->alloc_bytes - account->freed_bytes;
    hl.peak_dirty = 1;
  }
}

/* Counts an allocation in the totals. Returns whether it made a new peak. */
HL_INLINE int hl_totals_allocate(u32 size) {
  u64 objects = ++rt.alloc_objects;
  u64 clock = rt.alloc_bytes += size;
  u32 live = (u32)clock - rt.freed_bytes;
  if (live <= rt.peak_bytes) return 0;
  HL_ASSERT_INTERNAL(live <= rt.heap_bytes || hl.cells.ever);
  rt.peak_bytes = live;
  rt.peak_objects = (u32)objects - rt.freed_objects;
  if (hl.peak_dirty) {
    hl.peak_dirty = 0;
    rt.peak_epoch++;
  }
  return 1;
}

HL_INLINE void hl_ledger_allocate_to(hl_account *account, u32 size) {
  if (!hl_totals_allocate(size)) hl_ledger_save_peak(account);
  account->alloc_objects++;
  account->alloc_bytes += size;
  account->lifetime -= (i64)rt.alloc_bytes;
}

HL_INLINE void hl_ledger_temporary(hl_account *account, u32 size) {
  u64 carry = !++account->temporary_objects;
  account->temporary_bytes += size + (carry << HL_TEMPORARY_BYTES_BITS);
}

/* `serial` is the block's. It is the newest one when nothing was allocated since. */
HL_INLINE void hl_ledger_free_from(hl_account *account, u32 size, u32 serial) {
  HL_ASSERT((u32)account->alloc_objects != account->freed_objects);
  HL_ASSERT(size <= (u32)account->alloc_bytes - account->freed_bytes);
  HL_ASSERT_INTERNAL(account->node->link == ((u32)account | HL_NODE_LINK_ACCOUNT));
  hl_ledger_save_peak(account);
  rt.freed_objects++;
  rt.freed_bytes += size;
  account->freed_objects++;
  account->freed_bytes += size;
  account->lifetime += (i64)rt.alloc_bytes;
  if (serial == (u32)rt.alloc_objects) hl_ledger_temporary(account, size);
}

/* The host has written a peak and an epoch of its own into the runtime block, because it measures the peak of a part
 * of a run. So the next peak must start an epoch. */
HL_INLINE void hl_ledger_peak_written(void) { hl.peak_dirty = 1; }
