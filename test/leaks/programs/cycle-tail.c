/* A cycle has a tail: all of it is reached from the cycle, and the tail is lost with it. The tail is allocated last, so
 * that the cycle comes first in the order of addresses. differs(lsan-split): it calls cycles indirect. */
#include "leaks.h"

struct node {
  struct node *next, *tail;
};

static NOINLINE struct node *make(void) {
  return calloc(1, sizeof(struct node)); /* expect: definite 1 block 8|16 bytes with 24|48, indirect 3 blocks 24|48 bytes */
}

static NOINLINE void run(void) {
  struct node *a = make();
  struct node *b = make();
  a->next = b;
  b->next = a;
  a->tail = make();
  a->tail->tail = make();
#ifdef FIXED
  free(a->tail->tail);
  free(a->tail);
  free(a->next);
  free(a);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
