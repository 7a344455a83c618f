/* allocators.c -- calls every function of the allocation family, and wraps some of them: a wrapper that does more than C
 * says of malloc is not malloc. */
#include <emscripten.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static int count;

EMSCRIPTEN_KEEPALIVE __attribute__((noinline)) void *xmalloc(size_t size) {
  void *block = malloc(size);
  if (!block) abort();
  return block;
}
EMSCRIPTEN_KEEPALIVE __attribute__((noinline)) void *counted(size_t size) {
  count++;
  return malloc(size);
}
EMSCRIPTEN_KEEPALIVE __attribute__((noinline)) void uncounted(void *block) {
  count--;
  free(block);
}
EMSCRIPTEN_KEEPALIVE void *prefixed(size_t size) {
  size_t *block = malloc(size + 8);
  if (!block) return 0;
  *block = size;
  return block + 2;
}
EMSCRIPTEN_KEEPALIVE void unprefixed(void *block) {
  if (block) free((char *)block - 8);
}
EMSCRIPTEN_KEEPALIVE void *zeroed(size_t count, size_t each) { return calloc(count, each); }
EMSCRIPTEN_KEEPALIVE void *zeroed_or_die(size_t size) {
  void *block = calloc(1, size);
  if (!block) abort();
  return block;
}
EMSCRIPTEN_KEEPALIVE void *grown(void *block, size_t size) { return realloc(block, size); }
EMSCRIPTEN_KEEPALIVE void *grown_too(void *block, size_t size) { return size ? realloc(block, size) : 0; }
EMSCRIPTEN_KEEPALIVE void *aligned(size_t size) { return aligned_alloc(64, size); }
EMSCRIPTEN_KEEPALIVE void *page(size_t size) {
  void *block = 0;
  return posix_memalign(&block, 4096, size) ? 0 : block;
}
EMSCRIPTEN_KEEPALIVE char *copy(const char *text) { return strdup(text); }
EMSCRIPTEN_KEEPALIVE size_t usable(void *block) { return malloc_usable_size(block); }
EMSCRIPTEN_KEEPALIVE void release(void *block) { free(block); }
EMSCRIPTEN_KEEPALIVE int error(size_t size) {
  errno = 0;
  void *volatile block = malloc(size);
  free(block);
  return errno;
}

/* Large programs have many functions that only free what belongs to an object; they are not free. */
struct holder {
  void *blocks[16];
};
#define DISPOSER(n)                                                                    \
  EMSCRIPTEN_KEEPALIVE __attribute__((noinline)) void dispose_of_##n(struct holder *all) { \
    free(all->blocks[n]);                                                              \
    all->blocks[n] = 0;                                                                \
  }
DISPOSER(0) DISPOSER(1) DISPOSER(2) DISPOSER(3) DISPOSER(4) DISPOSER(5) DISPOSER(6) DISPOSER(7)
DISPOSER(8) DISPOSER(9) DISPOSER(10) DISPOSER(11) DISPOSER(12) DISPOSER(13) DISPOSER(14) DISPOSER(15)
