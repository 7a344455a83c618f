/* The pair of shared-child-leak. expect: clean */
#include "leaks.h"

struct parent {
  void *child;
  int32_t number[2];
};

static NOINLINE struct parent *make(void *child) {
  struct parent *parent = calloc(1, 16);
  parent->child = child;
  return parent;
}

static NOINLINE void run(void) {
  char *child = malloc(36);
  child[0] = 'c';
  struct parent *a = make(child);
  struct parent *b = make(child);
  free(a->child);
  free(a);
  free(b);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
