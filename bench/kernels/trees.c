/* trees.c -- binary trees, the adversary of a calling-context tree: left and right subtrees have call sites of their
 * own, so every node of the tree is allocated in a context that no other node has.
 *
 * Scale: depth of the tree (2^scale - 1 nodes, and as many contexts). Built, summed and freed once per run.
 */
#include "kernel.h"

struct node {
  struct node *left, *right;
  uint32_t value;
};

static NOINLINE struct node *build(int depth, uint32_t value) {
  struct node *node = malloc(sizeof *node);
  if (!node) abort();
  node->value = value;
  node->left = depth > 1 ? build(depth - 1, value * 2) : NULL;
  node->right = depth > 1 ? build(depth - 1, value * 2 + 1) : NULL;
  return node;
}

static uint32_t total(const struct node *node) {
  return node ? mix(total(node->left) ^ total(node->right), node->value) : 1;
}

static void discard(struct node *node) {
  if (!node) return;
  discard(node->left);
  discard(node->right);
  free(node);
}

int run(int scale) {
  struct node *root = build(scale, 1);
  uint32_t sum = total(root);
  discard(root);
  return (int)sum;
}
