/* The pair of array-cookie-leak: delete[] steps back over the count. expect: clean */
#include "leaks.h"

struct element {
  int32_t fields[6];
};

ROOT struct element *elements;

static NOINLINE struct element *new_array(size_t count) {
  size_t *block = malloc(sizeof *block + count * sizeof(struct element));
  *block = count;
  memset(block + 1, 0, count * sizeof(struct element));
  return (struct element *)(block + 1);
}

static NOINLINE void delete_array(struct element *array) {
  free((size_t *)array - 1);
}

static NOINLINE void run(void) {
  elements = new_array(5);
  delete_array(elements);
  elements = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
