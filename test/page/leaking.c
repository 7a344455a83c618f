// Loses a tree and a block, and frees one block twice.
#include <stdlib.h>
#include <string.h>

struct node {
  struct node *left, *right;
  char name[24];
};

static struct node *make(const char *name, struct node *left, struct node *right) {
  struct node *node = malloc(sizeof *node);
  node->left = left;
  node->right = right;
  strcpy(node->name, name);
  return node;
}

void lose_tree(void) {
  struct node *volatile root = make("a lost root", make("left", 0, 0), make("right", 0, 0));
  root = 0;
}

void free_twice(void) {
  char *volatile block = malloc(10);
  free(block);
  free(block);
}

int main(void) {
  lose_tree();
  free_twice();
  return 0;
}
