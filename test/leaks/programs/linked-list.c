/* The head of a list is dropped: the first node is lost by itself, the others because of it. */
#include "leaks.h"

struct node {
  struct node *next;
  int32_t value[6];
};

static NOINLINE struct node *push(struct node *head, int value) {
  struct node *node = malloc(sizeof *node); /* expect: definite 1 block 28|32 bytes with 112|128, indirect 4 blocks 112|128 bytes */
  node->next = head;
  node->value[0] = value;
  return node;
}

static NOINLINE void run(void) {
  struct node *head = NULL;
  for (int i = 0; i < 5; i++) head = push(head, i);
#ifdef FIXED
  while (head != NULL) {
    struct node *next = head->next;
    free(head);
    head = next;
  }
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
