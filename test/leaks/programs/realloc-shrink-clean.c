/* The pair of realloc-shrink-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(4000);
  block = realloc(block, 40);
  block[0] = 'x';
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
