/* Only the head of a list is freed: the second node becomes the one that is definitely lost. A freed block that
 * still holds a pointer keeps nothing alive.
 * Fixed: recursive freeing, tail first. */
#include "leaks.h"

struct node {
  struct node *next;
  char text[24];
};

static NOINLINE struct node *push(struct node *head) {
  struct node *node = malloc(sizeof *node); /* expect: definite 1 block 28|32 bytes with 56|64, indirect 2 blocks 56|64 bytes */
  node->next = head;
  return node;
}

#ifdef FIXED
static NOINLINE void free_list(struct node *node) {
  if (node == NULL) return;
  free_list(node->next);
  free(node);
}

#endif
static NOINLINE void run(void) {
  struct node *head = NULL;
  for (int i = 0; i < 4; i++) head = push(head);
#ifdef FIXED
  free_list(head);
#else
  free(head);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
