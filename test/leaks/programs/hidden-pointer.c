/* The only pointer to a block is kept in disguise (here: inverted). A checker cannot see it: definitely lost.
 * Fixed: the pointer is restored and freed. */
#include "leaks.h"

ROOT uintptr_t disguised;

static NOINLINE void run(void) {
  char *secret = malloc(26); /* expect: definite 1 block 26 bytes */
  secret[0] = 's';
  disguised = ~(uintptr_t)secret;
#ifdef FIXED
  free((void *)~disguised);
  disguised = 0;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
