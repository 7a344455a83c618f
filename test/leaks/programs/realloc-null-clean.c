/* The pair of realloc-null-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = realloc(NULL, 33);
  block[32] = 'x';
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
