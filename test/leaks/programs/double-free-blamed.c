/* Between the two frees of a block, others allocate and free blocks of its size, and have nothing to do with it.
 * Fixed: the owner clears its pointer. */
#include "leaks.h"

static char *volatile block;

static NOINLINE void owner(void) {
  block = malloc(24); /* expect: allocated block */
  block[0] = 'x';
  free(block); /* expect: freed block */
#ifdef FIXED
  block = NULL;
#endif
}

static NOINLINE void innocent(void) {
  char *volatile other = malloc(24);
  other[0] = 'y';
  free(other);
}

static NOINLINE void culprit(void) { free(block); /* expect: double-free block */ }

int main(void) {
  owner();
  innocent();
  innocent();
  culprit();
  clear_stack();
  return 0;
}
