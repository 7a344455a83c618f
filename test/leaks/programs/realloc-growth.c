/* A vector grows by doubling and is dropped: one block, allocated by the last realloc, with its last size. */
#include "leaks.h"

static NOINLINE void run(void) {
  int32_t *items = NULL;
  size_t capacity = 0;
  for (size_t i = 0; i < 100; i++) {
    if (i == capacity) {
      capacity = capacity == 0 ? 4 : 2 * capacity;
      items = realloc(items, capacity * sizeof *items); /* expect: definite 1 block 512 bytes */
    }
    items[i] = (int32_t)i;
  }
#ifdef FIXED
  free(items);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
