/* A static local variable is a root like a global: its cache is reachable, the caches before it are lost.
 * Fixed: realloc replaces the cache, and a size of 0 empties it. */
#include "leaks.h"

static NOINLINE char *cached(int size) {
  static __attribute__((used)) char *cache;
#ifdef FIXED
  if (size == 0) {
    free(cache);
    cache = NULL;
    return NULL;
  }
#else
  static int cached_size;
  if (cached_size != size) {
    cache = malloc((size_t)size); /* expect: definite 2 blocks 30 bytes, reachable 1 block 30 bytes */
    cached_size = size;
  }
#endif
#ifdef FIXED
  cache = realloc(cache, (size_t)size);
#endif
  cache[0] = 'c';
  return cache;
}

static NOINLINE void run(void) {
  cached(10);
  cached(20);
#ifndef FIXED
  cached(20);
#endif
  cached(30);
#ifdef FIXED
  cached(0);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
