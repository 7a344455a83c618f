/* The pair of static-local-leak: realloc replaces, and a size of nothing empties the cache. expect: clean */
#include "leaks.h"

static NOINLINE char *cached(int size) {
  static __attribute__((used)) char *cache;
  if (size == 0) {
    free(cache);
    cache = NULL;
    return NULL;
  }
  cache = realloc(cache, (size_t)size);
  cache[0] = 'c';
  return cache;
}

static NOINLINE void run(void) {
  cached(10);
  cached(20);
  cached(30);
  cached(0);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
