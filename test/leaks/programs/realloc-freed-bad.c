/* A block is grown after it was freed; realloc gives nothing back. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *volatile block = malloc(72); /* expect: allocated block */
  block[0] = 'x';
  free(block); /* expect: freed block */
  char *larger = realloc(block, 144); /* expect: realloc-freed block */
  free(larger);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
