/* reallocarray grows an array of six to twelve entries, which is then dropped.
 * Fixed: a size that overflows gives NULL and leaves the array alone. */
#include "leaks.h"

static NOINLINE void run(void) {
#ifdef FIXED
  volatile size_t huge = SIZE_MAX / 2;
#endif
  int32_t *numbers = reallocarray(NULL, 6, sizeof *numbers);
#ifdef FIXED
  void *refused = reallocarray(numbers, huge, sizeof *numbers);
  if (refused == NULL) free(numbers);
#else
  numbers = reallocarray(numbers, 12, sizeof *numbers); /* expect: definite 1 block 48 bytes */
  numbers[11] = 1;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
