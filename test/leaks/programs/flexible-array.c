/* Header and elements share one block. A larger block replaces it, and the old one is not freed. */
#include "leaks.h"

struct vector {
  int32_t count;
  int32_t items[];
};

static NOINLINE struct vector *make(int32_t count) {
  struct vector *vector = malloc(sizeof *vector + (size_t)count * sizeof vector->items[0]); /* expect: definite 1 block 16 bytes */
  vector->count = count;
  return vector;
}

static NOINLINE void run(void) {
  struct vector *vector = make(3);
  struct vector *larger = make(6);
  larger->items[0] = vector->count;
#ifdef FIXED
  free(vector);
#endif
  vector = larger;
  free(vector);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
