/* The pair of aligned-alloc-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *block = aligned_alloc(64, 192);
  block[191] = 'x';
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
