/* The pair of tree-half-freed-leak, without recursion: the tree is turned into a list while it is freed.
 * expect: clean */
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
  while (tree != NULL) {
    if (tree->left == NULL) {
      struct tree *right = tree->right;
      free(tree);
      tree = right;
    } else {
      struct tree *left = tree->left;
      tree->left = left->right;
      left->right = tree;
      tree = left;
    }
  }
}

static NOINLINE void run(void) {
  fell(grow(3));
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
