/* capture.c -- other wasm heap tools work like this: each allocation calls the host, which captures the engine's stack.
 *
 * Linked with --wrap for each name below, in front of the plain allocator.
 */
#include <stddef.h>

__attribute__((import_module("bench"), import_name("capture"))) void capture(void);

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_aligned_alloc(size_t, size_t);

void *__wrap_malloc(size_t size) {
  capture();
  return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  capture();
  return __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
  capture();
  return __real_realloc(block, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  capture();
  return __real_aligned_alloc(alignment, size);
}
