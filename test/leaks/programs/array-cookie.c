/* The layout of C++'s new[] for elements with destructors: a count, then the elements. The program keeps only a pointer
 * to the first element. Valgrind knows this layout and takes the block as reachable.
 * Fixed: delete[] steps back over the count. */
#include "leaks.h"

struct element {
  int32_t fields[6];
};

ROOT struct element *elements;

static NOINLINE struct element *new_array(size_t count) {
  size_t *block = malloc(sizeof *block + count * sizeof(struct element)); /* expect: reachable 1 block 124|128 bytes */
  *block = count;
  memset(block + 1, 0, count * sizeof(struct element));
  return (struct element *)(block + 1);
}

#ifdef FIXED
static NOINLINE void delete_array(struct element *array) {
  free((size_t *)array - 1);
}

#endif
static NOINLINE void run(void) {
  elements = new_array(5);
#ifdef FIXED
  delete_array(elements);
  elements = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
