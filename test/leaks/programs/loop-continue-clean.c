/* The pair of loop-continue-leak: what is not wanted is skipped before memory is taken. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  for (int i = 0; i < 9; i++) {
    if (i % 3 == 0) continue;
    char *block = malloc(20);
    block[0] = (char)i;
    free(block);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
