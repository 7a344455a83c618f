/* The pair of recursion-leak: freed on the way back. expect: clean */
#include "leaks.h"

static NOINLINE void descend(int depth) {
  char *block = malloc(12);
  block[0] = (char)depth;
  if (depth > 1) descend(depth - 1);
  free(block);
}

static NOINLINE void run(void) {
  descend(8);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
