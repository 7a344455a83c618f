/* calloc rejects a product that overflows; the block allocated before it is forgotten. */
#include "leaks.h"

static NOINLINE void *make_grid(size_t rows, size_t columns) {
  int *sizes = malloc(2 * sizeof *sizes); /* expect: definite 1 block 8 bytes */
  sizes[0] = 1;
  void *grid = calloc(rows, columns);
#ifndef FIXED
  if (grid == NULL) return NULL;
#endif
  free(sizes);
  return grid;
}

static NOINLINE void run(void) {
  volatile size_t huge = SIZE_MAX / 2;
  free(make_grid(huge, 4));
  free(make_grid(3, 4));
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
