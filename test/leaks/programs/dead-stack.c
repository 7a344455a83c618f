/* A pointer that stays in the frame of a function that has returned keeps nothing alive. The frame is deep, so that no
 * later call writes over it.
 * Fixed: the stale pointer is that of a freed block. */
#include "leaks.h"

static NOINLINE void deep(void) {
  char *volatile locals[8192];
  locals[0] = malloc(45); /* expect: definite 1 block 45 bytes */
  for (int i = 1; i < 8192; i++) locals[i] = NULL;
#ifdef FIXED
  free(locals[0]);
#else
  locals[0][0] = 'x';
#endif
}

static NOINLINE void run(void) {
  deep();
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
