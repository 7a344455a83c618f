/* A tag in the lowest bit turns the only pointer into an interior one: possibly lost. */
#include "leaks.h"

ROOT uintptr_t tagged;

static NOINLINE void run(void) {
  int32_t *value = malloc(4 * sizeof *value); /* expect: possible 1 block 16 bytes */
  value[0] = 0;
#ifndef FIXED
  value[1] = 9;
#endif
  tagged = (uintptr_t)value | 1;
#ifdef FIXED
  free((void *)(tagged & ~(uintptr_t)1));
  tagged = 0;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
