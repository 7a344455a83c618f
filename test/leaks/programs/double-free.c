/* A block is freed twice in a row.
 * Fixed: the pointer is cleared, and free(NULL) does nothing. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(40); /* expect: allocated block */
  block[0] = 'x';
  free(block); /* expect: freed block */
#ifdef FIXED
  block = NULL;
#endif
  free(block); /* expect: double-free block */
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
