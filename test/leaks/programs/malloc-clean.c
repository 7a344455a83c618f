/* The pair of malloc-leak: the block is freed. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(10);
  block[0] = 'x';
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
