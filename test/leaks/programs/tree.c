/* A binary tree of seven nodes is dropped at its root. */
#include "leaks.h"

struct tree {
  struct tree *left, *right;
};

static NOINLINE struct tree *grow(int depth) {
  if (depth == 0) return NULL;
  struct tree *tree = malloc(sizeof *tree); /* expect: definite 1 block 8|16 bytes with 48|96, indirect 6 blocks 48|96 bytes */
  tree->left = grow(depth - 1);
  tree->right = grow(depth - 1);
  return tree;
}

#ifdef FIXED
static NOINLINE void fell(struct tree *tree) {
  if (tree == NULL) return;
  fell(tree->left);
  fell(tree->right);
  free(tree);
}

#endif
static NOINLINE void run(void) {
#ifdef FIXED
  fell(grow(3));
#else
  grow(3);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
