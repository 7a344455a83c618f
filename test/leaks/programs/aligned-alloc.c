/* A block aligned to 64 bytes is dropped. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = aligned_alloc(64, 192); /* expect: definite 1 block 192 bytes */
  block[191] = 'x';
#ifdef FIXED
  free(block);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
