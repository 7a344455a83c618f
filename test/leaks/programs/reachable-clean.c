/* The pair of reachable-leak. expect: clean */
#include "leaks.h"

struct node {
  struct node *next;
};

ROOT struct node *stack;

static NOINLINE void push(void) {
  struct node *node = malloc(sizeof *node);
  node->next = stack;
  stack = node;
}

static NOINLINE void pop(void) {
  struct node *node = stack;
  stack = node->next;
  free(node);
}

static NOINLINE void run(void) {
  for (int i = 0; i < 3; i++) push();
  for (int i = 0; i < 3; i++) pop();
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
