/* A block that is reached only through a possibly lost block is possibly lost, too. */
#include "leaks.h"

struct node {
  int32_t header[4];
  struct node *next;
};

ROOT void *inside;

static NOINLINE struct node *make(struct node *next) {
  struct node *node = calloc(1, sizeof *node); /* expect: possible 3 blocks 60|72 bytes */
  node->next = next;
  return node;
}

static NOINLINE void run(void) {
  struct node *head = make(make(make(NULL)));
  inside = &head->header[2];
#ifdef FIXED
  free(head->next->next);
  free(head->next);
  free(head);
  inside = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
