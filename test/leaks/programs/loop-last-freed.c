/* The free stands after the loop instead of in it: only the last block is freed.
 * Fixed: all iterations use the same block. */
#include "leaks.h"

static NOINLINE void run(void) {
#ifdef FIXED
  char *block = malloc(24);
  for (int i = 0; i < 5; i++) block[0] = (char)i;
#else
  char *block = NULL;
  for (int i = 0; i < 5; i++) {
    block = malloc(24); /* expect: definite 4 blocks 96 bytes */
    block[0] = (char)i;
  }
#endif
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
