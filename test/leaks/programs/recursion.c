/* Each level of a recursion leaks on one line, in a context of its own.
 * Fixed: each level frees its block on the way back. */
#include "leaks.h"

static NOINLINE void descend(int depth) {
  char *block = malloc(12); /* expect: definite 8 blocks 96 bytes */
  block[0] = (char)depth;
  if (depth > 1) descend(depth - 1);
#ifdef FIXED
  free(block);
#endif
}

static NOINLINE void run(void) {
  descend(8);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
