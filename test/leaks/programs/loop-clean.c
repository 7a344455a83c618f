/* The pair of loop-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  for (int i = 0; i < 100; i++) {
    char *block = malloc(16);
    block[0] = (char)i;
    free(block);
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
