/* The pair of many-blocks-leak, freed in another order than allocated. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  static char *blocks[10000];
  for (int i = 0; i < 10000; i++) blocks[i] = malloc(6);
  for (int i = 0; i < 10000; i++) free(blocks[i * 7919 % 10000]);
  memset(blocks, 0, sizeof blocks);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
