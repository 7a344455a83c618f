/* A zeroed array of five ints is dropped. */
#include "leaks.h"

static NOINLINE void run(void) {
  int32_t *numbers = calloc(5, sizeof *numbers); /* expect: definite 1 block 20 bytes */
  numbers[4] = 7;
#ifdef FIXED
  free(numbers);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
