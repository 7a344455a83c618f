/* Freeing walks only to the left: each node to the right is lost, together with the nodes below it.
 * Fixed: without recursion: the tree is turned into a list while it is freed. */
#include "leaks.h"

struct tree {
  struct tree *left, *right;
};

static NOINLINE struct tree *grow(int depth) {
  if (depth == 0) return NULL;
  struct tree *tree = malloc(sizeof *tree); /* expect: definite 2 blocks 16|32 bytes with 16|32, indirect 2 blocks 16|32 bytes */
  tree->left = grow(depth - 1);
  tree->right = grow(depth - 1);
  return tree;
}

#ifdef FIXED
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
#else
static NOINLINE void fell_left(struct tree *tree) {
  if (tree == NULL) return;
  fell_left(tree->left);
  free(tree);
}
#endif

static NOINLINE void run(void) {
#ifdef FIXED
  fell(grow(3));
#else
  fell_left(grow(3));
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
