/* reallocarray grows an array of six to twelve entries, which is then dropped. */
#include "leaks.h"

static NOINLINE void run(void) {
  int32_t *numbers = reallocarray(NULL, 6, sizeof *numbers);
  numbers = reallocarray(numbers, 12, sizeof *numbers); /* expect: definite 1 block 48 bytes */
  numbers[11] = 1;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
