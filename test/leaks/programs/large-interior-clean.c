/* The pair of large-interior-leak. expect: clean */
#include "leaks.h"

ROOT char *window;

static NOINLINE void run(void) {
  char *image = calloc(1, 2000000);
  window = image + 1500000;
  free(window - 1500000);
  window = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
