/* Only a pointer into the middle is kept: the block is possibly lost, because the pointer may be a chance value.
 * Fixed: the start is computed from the middle. */
#include "leaks.h"

ROOT char *cursor;

static NOINLINE void run(void) {
  char *text = malloc(100); /* expect: possible 1 block 100 bytes */
  memset(text, ' ', 100);
  cursor = text + 30;
#ifdef FIXED
  free(cursor - 30);
  cursor = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
