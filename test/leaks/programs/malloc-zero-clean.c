/* The pair of malloc-zero-leak; free(NULL) is allowed as well. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  void *volatile block = malloc(0);
  free(block);
  free(NULL);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
