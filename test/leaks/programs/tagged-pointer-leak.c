/* A tag in the lowest bit makes an interior pointer of the only one: possibly lost. */
#include "leaks.h"

ROOT uintptr_t tagged;

static NOINLINE void run(void) {
  int32_t *value = malloc(4 * sizeof *value); /* expect: possible 1 block 16 bytes */
  value[0] = 0;
  value[1] = 9;
  tagged = (uintptr_t)value | 1;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
