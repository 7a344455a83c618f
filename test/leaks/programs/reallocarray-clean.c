/* The pair of reallocarray-leak; a size that overflows gives NULL and leaves the array alone. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  volatile size_t huge = SIZE_MAX / 2;
  int32_t *numbers = reallocarray(NULL, 6, sizeof *numbers);
  void *refused = reallocarray(numbers, huge, sizeof *numbers);
  if (refused == NULL) free(numbers);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
