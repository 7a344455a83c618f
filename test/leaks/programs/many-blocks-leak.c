/* Ten thousand small blocks freed but for every hundredth. */
#include "leaks.h"

static NOINLINE void run(void) {
  static char *blocks[10000];
  for (int i = 0; i < 10000; i++) {
    blocks[i] = malloc(6); /* expect: definite 100 blocks 600 bytes */
    blocks[i][0] = 'x';
  }
  for (int i = 0; i < 10000; i++) {
    if (i % 100 != 0) free(blocks[i]);
    blocks[i] = NULL;
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
