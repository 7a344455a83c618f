/* A block is freed again after the program has allocated another one of its size, which may get its address.
 * Fixed: the pointer is cleared, and free(NULL) does nothing. */
#include "leaks.h"

static void *volatile kept;

static NOINLINE void run(void) {
  char *volatile block = malloc(24); /* expect: allocated block */
  block[0] = 'x';
  free(block); /* expect: freed block */
  kept = malloc(24); /* expect: reachable 1 block 24 bytes */
#ifdef FIXED
  block = NULL;
#endif
  free(block); /* expect: double-free block */
#ifdef FIXED
  free(kept);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
