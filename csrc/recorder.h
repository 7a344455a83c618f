/* recorder.h -- what a recorder (recorder.c) and the module around it call of each other. interface.h has the rest.
 */
#ifndef HEAPLINE_RECORDER_H
#define HEAPLINE_RECORDER_H

#include "interface.h"

/* The program's own malloc, without a record of it. */
extern void *heapline_program_malloc(size_t size);

/* For the host: the address of HL_RECORDED_*. */
extern const hl_recorded *heapline_recorded(void);

/* A function of the allocator begins. Returns the context of its caller, or 1 when it only frees; 0 when another function
 * of the allocator has called it. */
extern u32 heapline_record_enter(u32 only_frees);
/* It ends. There is nothing to record. */
extern void heapline_record_leave(void);
/* It ends, and was asked for a block of `count` times `each` bytes. `address` is 0 when there was no memory. `context` is
 * what heapline_record_enter has returned. */
extern void heapline_record_allocated(u32 context, u32 address, u32 count, u32 each);
/* The same for a block that took the place of the one at `old`, which may be 0. */
extern void heapline_record_reallocated(u32 context, u32 old, u32 address, u32 count, u32 each);
/* It is about to free the block at this address. */
extern void heapline_record_freed(u32 context, u32 address);

/* Bytes that were asked for when the block at this address was allocated; 0 when nobody saw that. */
extern u32 heapline_record_size(u32 address);

#endif
