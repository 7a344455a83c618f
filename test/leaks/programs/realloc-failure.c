/* `p = realloc(p, n)` loses the old block when realloc fails, because it is still allocated.
 * Fixed: the result goes to a variable of its own. */
#include "leaks.h"

static NOINLINE void run(void) {
  volatile size_t huge = SIZE_MAX - 65536;
  char *block = malloc(50); /* expect: definite 1 block 50 bytes */
  block[0] = 'x';
#ifdef FIXED
  char *larger = realloc(block, huge);
  free(larger != NULL ? larger : block);
#else
  block = realloc(block, huge);
  free(block);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
