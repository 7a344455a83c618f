/* valgrind/memcheck.h -- memcheck's client requests, answered by the Heapline runtime (see valgrind.h).
 *
 * Heapline does not know which bytes are initialised, so undefined memory counts as defined. Memory is closed and opened
 * only where accesses are checked.
 */
#ifndef HEAPLINE_VALGRIND_MEMCHECK_H
#define HEAPLINE_VALGRIND_MEMCHECK_H

#include "valgrind.h"

#define VALGRIND_MAKE_MEM_NOACCESS(address, size) \
  ((unsigned)HEAPLINE_ASK(0, HEAPLINE_REQUEST_NO_ACCESS, address, size, 0, 0, 0))
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) \
  ((unsigned)HEAPLINE_ASK(0, HEAPLINE_REQUEST_UNDEFINED, address, size, 0, 0, 0))
#define VALGRIND_MAKE_MEM_DEFINED(address, size) \
  ((unsigned)HEAPLINE_ASK(0, HEAPLINE_REQUEST_DEFINED, address, size, 0, 0, 0))
#define VALGRIND_MAKE_MEM_DEFINED_IF_ADDRESSABLE(address, size) ((void)(address), (void)(size), 0u)

/* The first byte that must not be accessed, or 0. */
#define VALGRIND_CHECK_MEM_IS_ADDRESSABLE(address, size) \
  HEAPLINE_ASK(0, HEAPLINE_REQUEST_IS_ADDRESSABLE, address, size, 0, 0, 0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) VALGRIND_CHECK_MEM_IS_ADDRESSABLE(address, size)
#define VALGRIND_CHECK_VALUE_IS_DEFINED(value) VALGRIND_CHECK_MEM_IS_DEFINED(&(value), sizeof(value))

#define VALGRIND_CREATE_BLOCK(address, size, description) ((void)(address), (void)(size), (void)(description), 0u)
#define VALGRIND_DISCARD(block) ((void)(block), 0u)
#define VALGRIND_GET_VBITS(address, bits, size) ((void)(address), (void)(bits), (void)(size), 0u)
#define VALGRIND_SET_VBITS(address, bits, size) ((void)(address), (void)(bits), (void)(size), 0u)
#define VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE(address, size) ((void)(address), (void)(size), 0u)
#define VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(address, size) ((void)(address), (void)(size), 0u)

/* Looks for leaks now, and lets the host report them. */
#define VALGRIND_DO_LEAK_CHECK HEAPLINE_TELL(HEAPLINE_REQUEST_LEAK_CHECK, 0, 0, 0, 0)
#define VALGRIND_DO_ADDED_LEAK_CHECK HEAPLINE_TELL(HEAPLINE_REQUEST_LEAK_CHECK, 0, 1, 0, 0)
#define VALGRIND_DO_CHANGED_LEAK_CHECK HEAPLINE_TELL(HEAPLINE_REQUEST_LEAK_CHECK, 0, 2, 0, 0)
#define VALGRIND_DO_NEW_LEAK_CHECK HEAPLINE_TELL(HEAPLINE_REQUEST_LEAK_CHECK, 0, 3, 0, 0)
/* Counts leaks without reporting them. */
#define VALGRIND_DO_QUICK_LEAK_CHECK HEAPLINE_TELL(HEAPLINE_REQUEST_LEAK_CHECK, 1, 0, 0, 0)

/* Bytes, or blocks, that the last leak check found. Leaked are those that are definitely or indirectly lost. */
#define HEAPLINE_COUNTS(code, leaked, dubious, reachable, suppressed)                              \
  do {                                                                                             \
    unsigned long heapline_counts[4] = {0, 0, 0, 0};                                               \
    HEAPLINE_TELL(code, &heapline_counts[0], &heapline_counts[1], &heapline_counts[2], &heapline_counts[3]); \
    (leaked) = heapline_counts[0];                                                                 \
    (dubious) = heapline_counts[1];                                                                \
    (reachable) = heapline_counts[2];                                                              \
    (suppressed) = heapline_counts[3];                                                             \
  } while (0)
#define VALGRIND_COUNT_LEAKS(leaked, dubious, reachable, suppressed) \
  HEAPLINE_COUNTS(HEAPLINE_REQUEST_COUNT_LEAKS, leaked, dubious, reachable, suppressed)
#define VALGRIND_COUNT_LEAK_BLOCKS(leaked, dubious, reachable, suppressed) \
  HEAPLINE_COUNTS(HEAPLINE_REQUEST_COUNT_LEAK_BLOCKS, leaked, dubious, reachable, suppressed)

#endif
