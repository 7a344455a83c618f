/* The pair of large-block-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *image = malloc(3000000);
  image[0] = image[2999999] = 'x';
  free(image);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
