/* requests.c -- client requests: what the program tells the runtime, and what it asks.
 *
 * All requests come through one function, as Valgrind's do, so that the headers in include/ need no more than one symbol,
 * and so that a request that nobody knows does no harm. The codes of Valgrind's requests are Valgrind's.
 */
#include "platform.h"

#define HEAPLINE_RUNTIME /* the function is declared by interface.h */
#include "heapline.h"

/* The program has asked for something that cannot be done. The host mentions it. */
HL_COLD void hl_request_ignored(u32 code, u32 argument) {
  hl.notice = (hl_fault){.kind = HL_FAULT_REQUEST_IGNORED, .address = code, .context = argument};
  heapline_host_fault(&hl.notice);
}

/* Lets the host look for leaks. Returns how many blocks are lost. */
HL_COLD u32 hl_check_leaks(u32 code, u32 quiet) {
  hl.requests.last = (hl_leak_check){.kind = HL_FAULT_LEAK_CHECK, .request = code, .quiet = quiet};
  heapline_host_fault((const hl_fault *)&hl.requests.last);
  return hl.requests.last.lost_blocks;
}

/* Writes four counts of the last leak check to the addresses that the program gave; `counts` is the first of them. */
HL_COLD void hl_write_counts(const u32 *counts, u32 lost, u32 possible, u32 reachable, u32 suppressed) {
  u32 to[] = {lost, possible, reachable, suppressed};
  for (u32 i = 0; i < 4; i++)
    if (to[i]) *(u32 *)to[i] = counts[2 * i];
}

HL_COLD void hl_cell_resize(u32 address, u32 size) {
  hl_cell *cell = hl_cell_to_free(address);
  if (cell) cell = hl_cell_move(cell, address, size);
  if (cell) hl_memory_open(address, size);
}

HL_COLD void hl_cell_allocate(u32 address, u32 size, u32 redzone) {
  hl_cell *cell = address ? hl_cell_new(address, size, hl_context_here(), 0) : 0;
  if (cell) hl_cell_open(cell, redzone);
}

HL_COLD void hl_cell_free(u32 address) {
  hl_cell *cell = address ? hl_cell_to_free(address) : 0;
  if (cell) hl_cell_release(cell, hl_free_place_here());
}

HL_COLD u32 hl_pool_request(u32 code, u32 a, u32 b, u32 c, u32 d) {
  switch (code) {
    case HEAPLINE_REQUEST_CREATE_POOL:
      if (d & HL_POOL_AUTO_FREE) hl_request_ignored(code, d);
      hl_pool_create(a, b, d);
      return 0;
    case HEAPLINE_REQUEST_DESTROY_POOL: hl_pool_destroy(a); return 0;
    case HEAPLINE_REQUEST_POOL_ALLOCATE: hl_pool_allocate(a, b, c); return 0;
    case HEAPLINE_REQUEST_POOL_FREE: hl_pool_free(a, b); return 0;
    case HEAPLINE_REQUEST_POOL_TRIM: hl_pool_trim(a, b, c); return 0;
    case HEAPLINE_REQUEST_POOL_MOVE: hl_pool_move(a, b); return 0;
    case HEAPLINE_REQUEST_POOL_CHANGE: hl_pool_change(a, b, c, d); return 0;
    default: return hl_table_find(&hl.cells.pools, a) != 0;
  }
}

HL_COLD u32 hl_memory_request(u32 code, u32 start, u32 size) {
  u32 bad;
  switch (code) {
    case HEAPLINE_REQUEST_CLOSE_MEMORY:
    case HEAPLINE_REQUEST_NO_ACCESS: hl_memory_close(start, size, HL_SHADOW_POISONED); return 0;
    case HEAPLINE_REQUEST_OPEN_MEMORY:
    case HEAPLINE_REQUEST_UNDEFINED:
    case HEAPLINE_REQUEST_DEFINED: hl_memory_open(start, size); return 0;
    default: return hl.shadow.base && hl_access_is_bad(start, size, &bad) ? bad : 0;
  }
}

HL_COLD u32 hl_leak_request(u32 code, u32 a, u32 b) {
  switch (code) {
    case HEAPLINE_REQUEST_IGNORE_BLOCK:
      if (!hl_ignore_object(a)) hl_request_ignored(code, a);
      return 0;
    case HEAPLINE_REQUEST_IGNORE_ALL: hl_set_disabled(hl.requests.disabled + 1); return 0;
    case HEAPLINE_REQUEST_IGNORE_NO_MORE:
      if (hl.requests.disabled)
        hl_set_disabled(hl.requests.disabled - 1);
      else
        hl_request_ignored(code, 0);
      return 0;
    case HEAPLINE_REQUEST_ADD_ROOTS: hl_region_add(a, b); return 0;
    default:
      if (!hl_region_remove(a, b)) hl_request_ignored(code, a);
      return 0;
  }
}

HL_COLD u32 hl_request(u32 code, u32 a, u32 b, u32 c, u32 d, u32 e) {
  if (!hl.initialised) hl_heap_initialise();
  switch (code) {
    case HEAPLINE_REQUEST_PRESENT: return 1;
    case HEAPLINE_REQUEST_ERRORS: return rt.faults;
    case HEAPLINE_REQUEST_ALLOCATED: hl_cell_allocate(a, b, c); return 0;
    case HEAPLINE_REQUEST_FREED: hl_cell_free(a); return 0;
    case HEAPLINE_REQUEST_RESIZED: hl_cell_resize(a, c); return 0;
    case HEAPLINE_REQUEST_CREATE_POOL:
    case HEAPLINE_REQUEST_DESTROY_POOL:
    case HEAPLINE_REQUEST_POOL_ALLOCATE:
    case HEAPLINE_REQUEST_POOL_FREE:
    case HEAPLINE_REQUEST_POOL_TRIM:
    case HEAPLINE_REQUEST_POOL_MOVE:
    case HEAPLINE_REQUEST_POOL_CHANGE:
    case HEAPLINE_REQUEST_POOL_EXISTS: return hl_pool_request(code, a, b, c, d);
    case HEAPLINE_REQUEST_CLOSE_MEMORY:
    case HEAPLINE_REQUEST_OPEN_MEMORY:
    case HEAPLINE_REQUEST_IS_CLOSED:
    case HEAPLINE_REQUEST_NO_ACCESS:
    case HEAPLINE_REQUEST_UNDEFINED:
    case HEAPLINE_REQUEST_DEFINED:
    case HEAPLINE_REQUEST_IS_ADDRESSABLE: return hl_memory_request(code, a, b);
    case HEAPLINE_REQUEST_IGNORE_BLOCK:
    case HEAPLINE_REQUEST_IGNORE_ALL:
    case HEAPLINE_REQUEST_IGNORE_NO_MORE:
    case HEAPLINE_REQUEST_ADD_ROOTS:
    case HEAPLINE_REQUEST_REMOVE_ROOTS: return hl_leak_request(code, a, b);
    case HEAPLINE_REQUEST_CHECK_LEAKS: return hl_check_leaks(code, 0);
    case HEAPLINE_REQUEST_LEAK_CHECK: hl_check_leaks(code, a); return 0;
    case HEAPLINE_REQUEST_COUNT_LEAKS: hl_write_counts(&hl.requests.last.lost_bytes, a, b, c, d); return 0;
    case HEAPLINE_REQUEST_COUNT_LEAK_BLOCKS: hl_write_counts(&hl.requests.last.lost_blocks, a, b, c, d); return 0;
    default: break;
  }
  (void)e;
  hl_request_ignored(code, 0);
  return 0;
}
