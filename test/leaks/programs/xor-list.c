/* The links of a list are combined by XOR: only the head can be seen.
 * Fixed: the list is walked from its head and freed. */
#include "leaks.h"

struct node {
  uintptr_t link;
  int32_t value;
};

ROOT struct node *head;

static NOINLINE void run(void) {
  struct node *a = malloc(16); /* expect: reachable 1 block 16 bytes */
  struct node *b = malloc(16); /* expect: definite 1 block 16 bytes */
  struct node *c = malloc(16); /* expect: definite 1 block 16 bytes */
#ifndef FIXED
  memset(a, 0, 16);
  memset(b, 0, 16);
  memset(c, 0, 16);
#endif
  a->link = ~(uintptr_t)b;
  b->link = (uintptr_t)a ^ (uintptr_t)c;
  c->link = ~(uintptr_t)b;
  head = a;
#ifdef FIXED
  struct node *second = (struct node *)~head->link;
  struct node *third = (struct node *)((uintptr_t)head ^ second->link);
  free(third);
  free(second);
  free(head);
  head = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
