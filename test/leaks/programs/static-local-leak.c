/* A static local variable is a root like a global: its cache is reachable, the caches before it are lost. */
#include "leaks.h"

static NOINLINE char *cached(int size) {
  static __attribute__((used)) char *cache;
  static int cached_size;
  if (cached_size != size) {
    cache = malloc((size_t)size); /* expect: definite 2 blocks 30 bytes, reachable 1 block 30 bytes */
    cached_size = size;
  }
  cache[0] = 'c';
  return cache;
}

static NOINLINE void run(void) {
  cached(10);
  cached(20);
  cached(20);
  cached(30);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
