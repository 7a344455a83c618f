/* The program grows a block that it has freed; realloc returns no block.
 * Fixed: the block is grown first and freed afterwards. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *volatile block = malloc(72); /* expect: allocated block */
  block[0] = 'x';
#ifdef FIXED
  block = realloc(block, 144);
#endif
  free(block); /* expect: freed block */
#ifndef FIXED
  char *larger = realloc(block, 144); /* expect: realloc-freed block */
  free(larger);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
