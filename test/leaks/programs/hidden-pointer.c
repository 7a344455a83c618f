/* A pointer that is kept only in disguise (here: inverted) is none that a checker can see: definitely lost.
 * Fixed: taken out of its disguise and freed. */
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
