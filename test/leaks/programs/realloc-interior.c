/* The program passes a pointer into the middle of a block to realloc.
 * Fixed: the offset is kept while the block grows. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(80); /* expect: allocated block */
#ifdef FIXED
  size_t offset = 32;
  block = realloc(block, 160);
  block[offset] = 'x';
#else
  char *volatile middle = block + 32;
  char *larger = realloc(middle, 160); /* expect: realloc-foreign block */
  free(larger);
#endif
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
