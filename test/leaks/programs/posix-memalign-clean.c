/* The pair of posix-memalign-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  void *block = NULL;
  if (posix_memalign(&block, 128, 100) != 0) return;
  memset(block, 1, 100);
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
