/* A pointer that is kept only in disguise (here: inverted) is none that a checker can see: definitely lost. */
#include "leaks.h"

ROOT uintptr_t disguised;

static NOINLINE void run(void) {
  char *secret = malloc(26); /* expect: definite 1 block 26 bytes */
  secret[0] = 's';
  disguised = ~(uintptr_t)secret;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
