/* `continue` jumps over the free in every third iteration.
 * Fixed: unwanted items are skipped before memory is allocated. */
#include "leaks.h"

static NOINLINE void run(void) {
  for (int i = 0; i < 9; i++) {
#ifdef FIXED
    if (i % 3 == 0) continue;
#endif
    char *block = malloc(20); /* expect: definite 3 blocks 60 bytes */
    block[0] = (char)i;
#ifndef FIXED
    if (i % 3 == 0) continue;
#endif
    free(block);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
