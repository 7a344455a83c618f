/* The program passes static storage to realloc, which accepts only blocks of the heap.
 * Fixed: the first growth copies. */
#include "leaks.h"

static char storage[64];

static NOINLINE void run(void) {
#ifdef FIXED
  char *block = malloc(128);
  memcpy(block, storage, sizeof storage);
  block = realloc(block, 256);
  free(block);
#else
  char *volatile block = storage + 16;
  char *larger = realloc(block, 128); /* expect: realloc-foreign storage */
  free(larger);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
