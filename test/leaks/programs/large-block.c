/* Most allocators treat a block of megabytes differently from a small one. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *image = malloc(3000000); /* expect: definite 1 block 3000000 bytes */
  image[0] = image[2999999] = 'x';
#ifdef FIXED
  free(image);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
