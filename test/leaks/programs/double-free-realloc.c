/* The old pointer is freed although realloc has moved the block and freed it. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *old = malloc(16); /* expect: allocated old */
  old[0] = 'x';
  char *new = realloc(old, 100000); /* expect: freed old */
#ifndef FIXED
  free(old); /* expect: double-free old */
#endif
  free(new);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
