/* `continue` jumps over the free in every third turn. */
#include "leaks.h"

static NOINLINE void run(void) {
  for (int i = 0; i < 9; i++) {
    char *block = malloc(20); /* expect: definite 3 blocks 60 bytes */
    block[0] = (char)i;
    if (i % 3 == 0) continue;
    free(block);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
