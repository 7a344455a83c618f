/* recorder.c -- the runtime for modules that keep their own allocator: it writes down what that allocator does.
 *
 * It is made of the same parts as heapline.c, without Heapline's heap. Functions of the module stand in front of malloc,
 * free and their relatives (src/graft/record-only.ts). They call heapline_record_enter, the function of the allocator, and
 * then one of the functions that end a record. When realloc calls malloc, only realloc is recorded.
 *
 * The context is taken before the allocator runs, because the allocator may leave the top of the shadow stack elsewhere.
 * The recorder's memory is a block of the program's allocator, which the module takes before its first instruction runs.
 * Further memory comes from the allocator as well, and never while it runs.
 */
#include "platform.h"

#include "recorder.h"

#include "state.c"

#include "metadata.c"

#include "nodes.c"

#include "ledger.c"

#include "buds.c"

#include "context.c"

#include "books.c"

#include "record.c"

#include "pointers.c"

#include "mark.c"

#include "scan.c"

#include "check.c"

hl_initialised heapline_runtime = HL_INITIAL_STATE;

hl_zeroed heapline_shadow;

const hl_recorded *heapline_recorded(void) { return &hl_recorded_blocks; }

/* -- for the host: interface.h ------------------------------------------------------------------------------ */

void heapline_set_flags(u32 flags) { rt.flags = flags; }

u32 heapline_check(u32 what) { return hl_check(what); }

u32 heapline_check_context(const hl_node *node) { return hl_check_context(node); }

void heapline_peak_written(void) { hl_ledger_peak_written(); }

void heapline_scan_start(void) {
  hl_record_index_forget();
  hl_recorded_blocks.unscanned = !hl_record_index_make();
  hl_mark_start();
}

void heapline_scan_range(u32 start, u32 end) { hl_scan_range(start, end); }

void heapline_scan_word(u32 value) { hl_scan_word(value); }

void heapline_scan_finish(void) { hl_scan_finish(); }

/* -- for the functions in front of the allocator ------------------------------------------------------------ */

u32 heapline_record_enter(u32 only_frees) {
  if (hl_recorded_blocks.active++) return 0;
  if (!hl.initialised) {
    hl.initialised = 1;
    hl_contexts_initialise();
  }
  return only_frees ? 1 : (u32)hl_context();
}

void heapline_record_leave(void) { hl_recorded_blocks.active--; }

void heapline_record_allocated(u32 context, u32 address, u32 count, u32 each) {
  u64 size = (u64)count * each;
  if (context) {
    if (address)
      hl_record_allocate((hl_node *)context, address, (u32)size);
    else
      hl_books_failed(size, (hl_node *)context);
  }
  hl_recorded_blocks.active--;
}

void heapline_record_reallocated(u32 context, u32 old, u32 address, u32 count, u32 each) {
  u64 size = (u64)count * each;
  if (context && old && address)
    hl_record_reallocate((hl_node *)context, old, address, (u32)size);
  else if (context && old && !size)
    hl_record_free(old); /* allocators that free a block of 0 bytes return no address */
  else {
    heapline_record_allocated(context, address, count, each);
    return;
  }
  hl_recorded_blocks.active--;
}

void heapline_record_freed(u32 context, u32 address) {
  if (context && address) hl_record_free(address);
}

u32 heapline_record_size(u32 address) {
  hl_record *record = hl_record_find(address);
  return record ? record->block.requested : 0;
}
