/* A global still points to a block at the end: this block and the blocks that it points to are still reachable. */
#include "leaks.h"

struct node {
  struct node *next;
};

ROOT struct node *stack;

static NOINLINE void push(void) {
  struct node *node = malloc(sizeof *node); /* expect: reachable 3 blocks 12|24 bytes */
  node->next = stack;
  stack = node;
}

#ifdef FIXED
static NOINLINE void pop(void) {
  struct node *node = stack;
  stack = node->next;
  free(node);
}

#endif
static NOINLINE void run(void) {
  for (int i = 0; i < 3; i++) push();
#ifdef FIXED
  for (int i = 0; i < 3; i++) pop();
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
