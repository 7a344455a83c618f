/* The pair of calloc-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  int32_t *numbers = calloc(5, sizeof *numbers);
  numbers[4] = 7;
  free(numbers);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
