/* A list with XOR links: nothing but the head can be seen. */
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
  memset(a, 0, 16);
  memset(b, 0, 16);
  memset(c, 0, 16);
  a->link = ~(uintptr_t)b;
  b->link = (uintptr_t)a ^ (uintptr_t)c;
  c->link = ~(uintptr_t)b;
  head = a;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
