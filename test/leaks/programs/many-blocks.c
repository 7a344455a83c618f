/* Ten thousand small blocks are allocated; all are freed except every hundredth.
 * Fixed: the blocks are freed in another order than allocated. */
#include "leaks.h"

static NOINLINE void run(void) {
  static char *blocks[10000];
#ifdef FIXED
  for (int i = 0; i < 10000; i++) blocks[i] = malloc(6);
  for (int i = 0; i < 10000; i++) free(blocks[i * 7919 % 10000]);
  memset(blocks, 0, sizeof blocks);
#else
  for (int i = 0; i < 10000; i++) {
    blocks[i] = malloc(6); /* expect: definite 100 blocks 600 bytes */
    blocks[i][0] = 'x';
  }
  for (int i = 0; i < 10000; i++) {
    if (i % 100 != 0) free(blocks[i]);
    blocks[i] = NULL;
  }
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
