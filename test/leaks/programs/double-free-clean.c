/* The pair of double-free-bad: the pointer is cleared, and free(NULL) does nothing. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(40);
  block[0] = 'x';
  free(block);
  block = NULL;
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
