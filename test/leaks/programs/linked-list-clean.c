/* The pair of linked-list-leak. expect: clean */
#include "leaks.h"

struct node {
  struct node *next;
  int32_t value[6];
};

static NOINLINE struct node *push(struct node *head, int value) {
  struct node *node = malloc(sizeof *node);
  node->next = head;
  node->value[0] = value;
  return node;
}

static NOINLINE void run(void) {
  struct node *head = NULL;
  for (int i = 0; i < 5; i++) head = push(head, i);
  while (head != NULL) {
    struct node *next = head->next;
    free(head);
    head = next;
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
