/* A tree whose nodes know their parent. A child takes a hole in the heap, so its address is below that of the root. */
#include <stdlib.h>

struct node {
  struct node *parent, *child, *next;
};

static struct node *add(struct node *parent) {
  struct node *node = calloc(1, sizeof *node);
  node->parent = parent;
  if (parent) {
    node->next = parent->child;
    parent->child = node;
  }
  return node;
}

static struct node *make_root(void) {
  return add(0);
}

static struct node *kept;

/* A root that the program still has. */
void keep_root(void) {
  kept = make_root();
}

/* Children for it, and then it is lost with them. */
void add_and_lose(void) {
  for (int i = 0; i < 3; i++) add(kept);
  kept = 0;
}

int main(void) {
  void *hole = malloc(sizeof(struct node));
  keep_root();
  free(hole);
  add_and_lose();
  return 0;
}
