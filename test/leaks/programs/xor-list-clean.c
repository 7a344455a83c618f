/* The pair of xor-list-leak: walked from its head and freed. expect: clean */
#include "leaks.h"

struct node {
  uintptr_t link;
  int32_t value;
};

ROOT struct node *head;

static NOINLINE void run(void) {
  struct node *a = malloc(16);
  struct node *b = malloc(16);
  struct node *c = malloc(16);
  a->link = ~(uintptr_t)b;
  b->link = (uintptr_t)a ^ (uintptr_t)c;
  c->link = ~(uintptr_t)b;
  head = a;
  struct node *second = (struct node *)~head->link;
  struct node *third = (struct node *)((uintptr_t)head ^ second->link);
  free(third);
  free(second);
  free(head);
  head = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
