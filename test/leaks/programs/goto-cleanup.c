/* A ladder of clean-up labels, one of which is too low: the second of three blocks is skipped. */
#include "leaks.h"

static NOINLINE int build(int fail) {
  char *a = malloc(10);
  char *b = malloc(11); /* expect: definite 1 block 11 bytes */
  char *c = malloc(12);
  a[0] = b[0] = c[0] = 'x';
#ifdef FIXED
  if (fail) goto free_c;
free_c:
#else
  if (fail) {
    free(c);
    goto free_a;
  }
#endif
  free(c);
  free(b);
#ifndef FIXED
free_a:
#endif
  free(a);
  return fail;
}

static NOINLINE void run(void) {
  build(0);
  build(1);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
