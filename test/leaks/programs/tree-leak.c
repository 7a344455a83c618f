/* A binary tree of seven nodes is dropped at its root. */
#include "leaks.h"

struct tree {
  struct tree *left, *right;
};

static NOINLINE struct tree *grow(int depth) {
  if (depth == 0) return NULL;
  struct tree *tree = malloc(sizeof *tree); /* expect: definite 1 block 8|16 bytes, indirect 6 blocks 48|96 bytes */
  tree->left = grow(depth - 1);
  tree->right = grow(depth - 1);
  return tree;
}

static NOINLINE void run(void) {
  grow(3);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
