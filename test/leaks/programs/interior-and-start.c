/* One pointer to the start and one into the middle, in either order: the block is reachable. */
#include "leaks.h"

ROOT char *cursors[3];

static NOINLINE void run(void) {
  char *text = malloc(60); /* expect: reachable 1 block 60 bytes */
  cursors[0] = text + 30;
  cursors[1] = text;
  cursors[2] = text + 1;
#ifdef FIXED
  free(cursors[1]);
  memset(cursors, 0, sizeof cursors);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
