/* Only the head of a list is freed: the second node becomes the one that is lost by itself. A freed block that
 * still holds a pointer keeps nothing alive. */
#include "leaks.h"

struct node {
  struct node *next;
  char text[24];
};

static NOINLINE struct node *push(struct node *head) {
  struct node *node = malloc(sizeof *node); /* expect: definite 1 block 28|32 bytes, indirect 2 blocks 56|64 bytes */
  node->next = head;
  return node;
}

static NOINLINE void run(void) {
  struct node *head = NULL;
  for (int i = 0; i < 4; i++) head = push(head);
  free(head);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
