/* A root in initialised data: the variable starts at a constant and later points to the heap.
 * Fixed: freed unless it is the constant. */
#include "leaks.h"

static char fallback[] = "default";
ROOT char *name = fallback;

static NOINLINE void run(void) {
  name = malloc(21); /* expect: reachable 1 block 21 bytes */
  name[0] = 'n';
#ifdef FIXED
  if (name != fallback) free(name);
  name = fallback;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
