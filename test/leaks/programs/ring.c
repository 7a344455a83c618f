/* A ring of nodes is lost although each node is pointed to, because nothing points to the ring: one node stands for the
 * ring, the others are lost with it. differs(lsan-split): it calls every node of a cycle indirect.
 * Fixed: the ring is opened and freed. */
#include "leaks.h"

struct node {
  struct node *next, *previous;
};

static NOINLINE struct node *insert(struct node *ring) {
  struct node *node = malloc(sizeof *node); /* expect: definite 1 block 8|16 bytes with 40|80, indirect 5 blocks 40|80 bytes */
  if (ring == NULL) {
    node->next = node->previous = node;
    return node;
  }
  node->next = ring->next;
  node->previous = ring;
  ring->next->previous = node;
  ring->next = node;
  return ring;
}

static NOINLINE void run(void) {
  struct node *ring = NULL;
  for (int i = 0; i < 6; i++) ring = insert(ring);
#ifdef FIXED
  ring->previous->next = NULL;
  while (ring != NULL) {
    struct node *next = ring->next;
    free(ring);
    ring = next;
  }
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
