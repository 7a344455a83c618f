/* Two lost parents share a child: the child is lost with them and counted once. */
#include "leaks.h"

struct parent {
  void *child;
  int32_t number[2];
};

static NOINLINE struct parent *make(void *child) {
  struct parent *parent = calloc(1, 16); /* expect: definite 2 blocks 32 bytes with 36 */
  parent->child = child;
  return parent;
}

static NOINLINE void run(void) {
  char *child = malloc(36); /* expect: indirect 1 block 36 bytes */
  child[0] = 'c';
#ifdef FIXED
  struct parent *a = make(child);
  struct parent *b = make(child);
  free(a->child);
  free(a);
  free(b);
#else
  make(child);
  make(child);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
