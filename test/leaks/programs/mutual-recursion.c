/* Two functions call each other; one of them forgets its block. */
#include "leaks.h"

static NOINLINE void odd(int n);

static NOINLINE void even(int n) {
  char *block = malloc(8);
  block[0] = (char)n;
  if (n > 0) odd(n - 1);
  free(block);
}

static NOINLINE void odd(int n) {
  char *block = malloc(9); /* expect: definite 3 blocks 27 bytes */
  block[0] = (char)n;
  even(n - 1);
#ifdef FIXED
  free(block);
#endif
}

static NOINLINE void run(void) {
  even(6);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
