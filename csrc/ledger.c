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

HL_INLINE void hl_ledger_save_peak(hl_account *account) {
  if (account->peak_epoch != rt.peak_epoch) {
    account->peak_epoch = rt.peak_epoch;
    account->peak_objects = (u32)account->alloc_objects - account->freed_objects;
    account->peak_bytes = (u32)account->alloc_bytes - account->freed_bytes;
    hl.peak_dirty = 1;
  }
}

/* Counts an allocation in the totals. Returns whether it makes a new peak. */
HL_INLINE int hl_totals_allocate(u32 size) {
  u64 objects = ++rt.alloc_objects;
  u64 clock = rt.alloc_bytes += size;
  u32 live = (u32)clock - rt.freed_bytes;
  if (live <= rt.peak_bytes) return 0;
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

/* `serial`: the block's, which is the newest when nothing was allocated since. */
HL_INLINE void hl_ledger_free_from(hl_account *account, u32 size, u32 serial) {
  hl_ledger_save_peak(account);
  rt.freed_objects++;
  rt.freed_bytes += size;
  account->freed_objects++;
  account->freed_bytes += size;
  account->lifetime += (i64)rt.alloc_bytes;
  if (serial == (u32)rt.alloc_objects) hl_ledger_temporary(account, size);
}

/* The host has written a peak and an epoch of its own making into the runtime block (it measures the peak of a part of
 * a run that way): the next peak must start an epoch. */
void heapline_peak_written(void) { hl.peak_dirty = 1; }
