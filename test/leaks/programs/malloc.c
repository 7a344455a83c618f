/* The plainest leak: the only pointer to a block from malloc goes out of scope.
 * Fixed: the block is freed. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(10); /* expect: definite 1 block 10 bytes */
  block[0] = 'x';
#ifdef FIXED
  free(block);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
