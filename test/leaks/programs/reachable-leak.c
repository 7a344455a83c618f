/* What a global still points to at the end is not lost: still reachable, and so is what hangs on it. */
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

static NOINLINE void run(void) {
  for (int i = 0; i < 3; i++) push();
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
