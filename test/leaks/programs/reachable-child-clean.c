/* The pair of reachable-child-leak. expect: clean */
#include "leaks.h"

struct parent {
  void *child;
  int32_t number[2];
};

ROOT char *shared;

static NOINLINE void run(void) {
  shared = malloc(37);
  shared[0] = 's';
  struct parent *parent = calloc(1, 16);
  parent->child = shared;
  free(parent->child);
  free(parent);
  shared = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
