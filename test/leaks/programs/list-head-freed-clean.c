/* The pair of list-head-freed-leak: recursive freeing, tail first. expect: clean */
#include "leaks.h"

struct node {
  struct node *next;
  char text[24];
};

static NOINLINE struct node *push(struct node *head) {
  struct node *node = malloc(sizeof *node);
  node->next = head;
  return node;
}

static NOINLINE void free_list(struct node *node) {
  if (node == NULL) return;
  free_list(node->next);
  free(node);
}

static NOINLINE void run(void) {
  struct node *head = NULL;
  for (int i = 0; i < 4; i++) head = push(head);
  free_list(head);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
