/* The pair of tagged-pointer-leak. expect: clean */
#include "leaks.h"

ROOT uintptr_t tagged;

static NOINLINE void run(void) {
  int32_t *value = malloc(4 * sizeof *value);
  value[0] = 0;
  tagged = (uintptr_t)value | 1;
  free((void *)(tagged & ~(uintptr_t)1));
  tagged = 0;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
