/* The pair of ring-leak: the ring is opened and freed. expect: clean */
#include "leaks.h"

struct node {
  struct node *next, *previous;
};

static NOINLINE struct node *insert(struct node *ring) {
  struct node *node = malloc(sizeof *node);
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
  ring->previous->next = NULL;
  while (ring != NULL) {
    struct node *next = ring->next;
    free(ring);
    ring = next;
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
