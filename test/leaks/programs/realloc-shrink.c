/* A shrunk block belongs to the call that shrank it, and has its new size. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(4000);
  block = realloc(block, 40); /* expect: definite 1 block 40 bytes */
  block[0] = 'x';
#ifdef FIXED
  free(block);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
