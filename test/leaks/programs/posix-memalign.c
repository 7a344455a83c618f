/* The block is handed out through a pointer argument and lost with the variable. */
#include "leaks.h"

static NOINLINE void run(void) {
  void *block = NULL;
  if (posix_memalign(&block, 128, 100) != 0) return; /* expect: definite 1 block 100 bytes */
  memset(block, 1, 100);
#ifdef FIXED
  free(block);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
