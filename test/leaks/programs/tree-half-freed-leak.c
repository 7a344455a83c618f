/* Freeing walks to the left only: each node to the right is lost, and what hangs below it with it. */
#include "leaks.h"

struct tree {
  struct tree *left, *right;
};

static NOINLINE struct tree *grow(int depth) {
  if (depth == 0) return NULL;
  struct tree *tree = malloc(sizeof *tree); /* expect: definite 2 blocks 16|32 bytes, indirect 2 blocks 16|32 bytes */
  tree->left = grow(depth - 1);
  tree->right = grow(depth - 1);
  return tree;
}

static NOINLINE void fell_left(struct tree *tree) {
  if (tree == NULL) return;
  fell_left(tree->left);
  free(tree);
}

static NOINLINE void run(void) {
  fell_left(grow(3));
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
