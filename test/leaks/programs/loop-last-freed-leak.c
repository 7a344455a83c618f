/* The free stands behind the loop instead of in it: only the last block is freed. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = NULL;
  for (int i = 0; i < 5; i++) {
    block = malloc(24); /* expect: definite 4 blocks 96 bytes */
    block[0] = (char)i;
  }
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
