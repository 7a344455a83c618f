/* The pair of realloc-static-bad: the first growth copies. expect: clean */
#include "leaks.h"

static char storage[64];

static NOINLINE void run(void) {
  char *block = malloc(128);
  memcpy(block, storage, sizeof storage);
  block = realloc(block, 256);
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
