/* realloc(NULL, n) allocates like malloc. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = realloc(NULL, 33); /* expect: definite 1 block 33 bytes */
  block[32] = 'x';
#ifdef FIXED
  free(block);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
