/* The pair of realloc-freed-bad: grown first, freed afterwards. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *volatile block = malloc(72);
  block[0] = 'x';
  block = realloc(block, 144);
  free(block);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
