/* The pair of realloc-interior-bad: the offset is kept over the growth. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = malloc(80);
  size_t offset = 32;
  block = realloc(block, 160);
  block[offset] = 'x';
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
