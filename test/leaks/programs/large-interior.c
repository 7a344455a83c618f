/* A pointer far into a large block is an interior pointer like any other. */
#include "leaks.h"

ROOT char *window;

static NOINLINE void run(void) {
  char *image = calloc(1, 2000000); /* expect: possible 1 block 2000000 bytes */
  window = image + 1500000;
#ifdef FIXED
  free(window - 1500000);
  window = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
