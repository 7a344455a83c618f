/* Static storage is to grow: realloc must be given a block of the heap. */
#include "leaks.h"

static char storage[64];

static NOINLINE void run(void) {
  char *volatile block = storage + 16;
  char *larger = realloc(block, 128); /* expect: realloc-foreign storage */
  free(larger);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
