/* The pair of loop-last-freed-leak: the block is reused over the turns. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(24);
  for (int i = 0; i < 5; i++) block[0] = (char)i;
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
