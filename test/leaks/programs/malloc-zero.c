/* A block of 0 bytes is still a block: it has an address that must be freed.
 * differs(lsan): it counts a block of 0 bytes as 1 byte.
 * Fixed: free(NULL) is allowed as well. */
#include "leaks.h"

static NOINLINE void run(void) {
  void *volatile block = malloc(0); /* expect: definite 1 block 0 bytes */
#ifdef FIXED
  free(block);
  free(NULL);
#else
  block = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
