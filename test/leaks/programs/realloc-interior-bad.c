/* A pointer into the middle of a block is given to realloc. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(80); /* expect: allocated block */
  char *volatile middle = block + 32;
  char *larger = realloc(middle, 160); /* expect: realloc-foreign block */
  free(larger);
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
