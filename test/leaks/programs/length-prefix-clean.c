/* The pair of length-prefix-leak. expect: clean */
#include "leaks.h"

ROOT char *bytes;

static NOINLINE void *take(size_t size) {
  uint64_t *block = malloc(sizeof *block + size);
  *block = size;
  return block + 1;
}

static NOINLINE void give_back(void *taken) {
  free((uint64_t *)taken - 1);
}

static NOINLINE void run(void) {
  bytes = take(48);
  bytes[0] = 'b';
  give_back(bytes);
  bytes = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
