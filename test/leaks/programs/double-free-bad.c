/* A block is freed twice in a row. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(40); /* expect: allocated block */
  block[0] = 'x';
  free(block); /* expect: freed block */
  free(block); /* expect: double-free block */
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
