/* The pair of cycle-tail-leak. expect: clean */
#include "leaks.h"

struct node {
  struct node *next, *tail;
};

static NOINLINE struct node *make(void) {
  return calloc(1, sizeof(struct node));
}

static NOINLINE void run(void) {
  struct node *a = make();
  struct node *b = make();
  a->next = b;
  b->next = a;
  a->tail = make();
  a->tail->tail = make();
  free(a->tail->tail);
  free(a->tail);
  free(a->next);
  free(a);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
