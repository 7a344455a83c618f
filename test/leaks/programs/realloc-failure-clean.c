/* The pair of realloc-failure-leak: the result goes to a variable of its own. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  volatile size_t huge = SIZE_MAX - 65536;
  char *block = malloc(50);
  block[0] = 'x';
  char *larger = realloc(block, huge);
  free(larger != NULL ? larger : block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
