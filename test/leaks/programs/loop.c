/* One line, one context, many blocks: each iteration of a loop leaks. */
#include "leaks.h"

static NOINLINE void run(void) {
  for (int i = 0; i < 100; i++) {
    char *block = malloc(16); /* expect: definite 100 blocks 1600 bytes */
    block[0] = (char)i;
#ifdef FIXED
    free(block);
#endif
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
