/* sanitizer/asan_interface.h -- what allocators tell AddressSanitizer, answered by the Heapline runtime.
 *
 * Closing memory has an effect where Heapline checks accesses. In all other programs the macros and functions do nothing.
 */
#ifndef HEAPLINE_ASAN_INTERFACE_H
#define HEAPLINE_ASAN_INTERFACE_H

#include "../heapline.h"

static inline void __asan_poison_memory_region(void const volatile *start, size_t size) {
  HEAPLINE_TELL(HEAPLINE_REQUEST_CLOSE_MEMORY, start, size, 0, 0);
}
static inline void __asan_unpoison_memory_region(void const volatile *start, size_t size) {
  HEAPLINE_TELL(HEAPLINE_REQUEST_OPEN_MEMORY, start, size, 0, 0);
}
/* Whether the byte must not be accessed. */
static inline int __asan_address_is_poisoned(void const volatile *address) {
  return HEAPLINE_ASK(0, HEAPLINE_REQUEST_IS_CLOSED, address, 1, 0, 0, 0) != 0;
}
/* The first byte of the region that must not be accessed, or a null pointer. */
static inline void *__asan_region_is_poisoned(void *start, size_t size) {
  return (void *)HEAPLINE_ASK(0, HEAPLINE_REQUEST_IS_CLOSED, start, size, 0, 0, 0);
}

#define ASAN_POISON_MEMORY_REGION(start, size) __asan_poison_memory_region((start), (size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) __asan_unpoison_memory_region((start), (size))

#endif
