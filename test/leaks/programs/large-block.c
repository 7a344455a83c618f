/* A block of megabytes goes other ways in most allocators than a small one. */
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
