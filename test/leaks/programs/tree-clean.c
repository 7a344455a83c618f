/* The pair of tree-leak. expect: clean */
#include "leaks.h"

struct tree {
  struct tree *left, *right;
};

static NOINLINE struct tree *grow(int depth) {
  if (depth == 0) return NULL;
  struct tree *tree = malloc(sizeof *tree);
  tree->left = grow(depth - 1);
  tree->right = grow(depth - 1);
  return tree;
}

static NOINLINE void fell(struct tree *tree) {
  if (tree == NULL) return;
  fell(tree->left);
  fell(tree->right);
  free(tree);
}

static NOINLINE void run(void) {
  fell(grow(3));
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
