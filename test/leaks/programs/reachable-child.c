/* A lost parent points to a block that a global reaches as well: only the parent is lost. */
#include "leaks.h"

struct parent {
  void *child;
  int32_t number[2];
};

ROOT char *shared;

static NOINLINE void run(void) {
  shared = malloc(37); /* expect: reachable 1 block 37 bytes */
  shared[0] = 's';
  struct parent *parent = calloc(1, 16); /* expect: definite 1 block 16 bytes */
  parent->child = shared;
#ifdef FIXED
  free(parent->child);
  free(parent);
  shared = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
