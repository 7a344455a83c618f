/* valgrind/valgrind.h -- Valgrind's client requests, answered by the Heapline runtime.
 *
 * A program that is marked for Valgrind compiles with this header as with Valgrind's own. Linked with Heapline, what its
 * pools hand out are blocks with stacks of their own. In all other programs, native ones included, the macros do nothing.
 * Requests that only Valgrind can answer do nothing either.
 */
#ifndef HEAPLINE_VALGRIND_H
#define HEAPLINE_VALGRIND_H

#include "../heapline.h"

/* The version of Valgrind whose requests these are. */
#define __VALGRIND_MAJOR__ 3
#define __VALGRIND_MINOR__ 22

#define VG_USERREQ_TOOL_BASE(a, b) ((unsigned int)(((a)&0xff) << 24 | ((b)&0xff) << 16))
#define VG_IS_TOOL_USERREQ(a, b, v) (VG_USERREQ_TOOL_BASE(a, b) == ((v)&0xffff0000))

#define VALGRIND_DO_CLIENT_REQUEST_EXPR(missing, request, a, b, c, d, e) HEAPLINE_ASK(missing, request, a, b, c, d, e)
#define VALGRIND_DO_CLIENT_REQUEST(result, missing, request, a, b, c, d, e) \
  ((result) = HEAPLINE_ASK(missing, request, a, b, c, d, e))
#define VALGRIND_DO_CLIENT_REQUEST_STMT(request, a, b, c, d, e) ((void)HEAPLINE_ASK(0, request, a, b, c, d, e))

/* 1 when the program is linked with Heapline. */
#define RUNNING_ON_VALGRIND ((unsigned)HEAPLINE_ASK(0, HEAPLINE_REQUEST_PRESENT, 0, 0, 0, 0, 0))
/* Heap errors so far. */
#define VALGRIND_COUNT_ERRORS ((unsigned)HEAPLINE_ASK(0, HEAPLINE_REQUEST_ERRORS, 0, 0, 0, 0, 0))

/* What an allocator hands out and takes back. */
#define VALGRIND_MALLOCLIKE_BLOCK(address, size, redzone, is_zeroed) \
  HEAPLINE_TELL(HEAPLINE_REQUEST_ALLOCATED, address, size, redzone, is_zeroed)
#define VALGRIND_RESIZEINPLACE_BLOCK(address, old_size, new_size, redzone) \
  HEAPLINE_TELL(HEAPLINE_REQUEST_RESIZED, address, old_size, new_size, redzone)
#define VALGRIND_FREELIKE_BLOCK(address, redzone) HEAPLINE_TELL(HEAPLINE_REQUEST_FREED, address, redzone, 0, 0)

/* Pools. Any address that belongs to the pool can be its name. */
#define VALGRIND_MEMPOOL_AUTO_FREE 1
#define VALGRIND_MEMPOOL_METAPOOL 2
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, is_zeroed) \
  HEAPLINE_TELL(HEAPLINE_REQUEST_CREATE_POOL, pool, redzone, is_zeroed, 0)
#define VALGRIND_CREATE_MEMPOOL_EXT(pool, redzone, is_zeroed, flags) \
  HEAPLINE_TELL(HEAPLINE_REQUEST_CREATE_POOL, pool, redzone, is_zeroed, flags)
#define VALGRIND_DESTROY_MEMPOOL(pool) HEAPLINE_TELL(HEAPLINE_REQUEST_DESTROY_POOL, pool, 0, 0, 0)
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) \
  HEAPLINE_TELL(HEAPLINE_REQUEST_POOL_ALLOCATE, pool, address, size, 0)
#define VALGRIND_MEMPOOL_FREE(pool, address) HEAPLINE_TELL(HEAPLINE_REQUEST_POOL_FREE, pool, address, 0, 0)
#define VALGRIND_MEMPOOL_TRIM(pool, address, size) HEAPLINE_TELL(HEAPLINE_REQUEST_POOL_TRIM, pool, address, size, 0)
#define VALGRIND_MOVE_MEMPOOL(from, to) HEAPLINE_TELL(HEAPLINE_REQUEST_POOL_MOVE, from, to, 0, 0)
#define VALGRIND_MEMPOOL_CHANGE(pool, from, to, size) \
  HEAPLINE_TELL(HEAPLINE_REQUEST_POOL_CHANGE, pool, from, to, size)
#define VALGRIND_MEMPOOL_EXISTS(pool) ((unsigned)HEAPLINE_ASK(0, HEAPLINE_REQUEST_POOL_EXISTS, pool, 0, 0, 0, 0))

/* Requests about Valgrind's own work. */
#define VALGRIND_DISCARD_TRANSLATIONS(address, size) ((void)(address), (void)(size))
#define VALGRIND_STACK_REGISTER(start, end) ((void)(start), (void)(end), 0u)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#define VALGRIND_STACK_CHANGE(id, start, end) ((void)(id), (void)(start), (void)(end))
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_MONITOR_COMMAND(command) ((void)(command), 0u)
#define VALGRIND_INNER_THREADS(address) ((void)(address))

static inline int VALGRIND_PRINTF(const char *format, ...) {
  (void)format;
  return 0;
}
static inline int VALGRIND_PRINTF_BACKTRACE(const char *format, ...) {
  (void)format;
  return 0;
}

#endif
