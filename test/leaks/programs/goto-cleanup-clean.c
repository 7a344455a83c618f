/* The pair of goto-cleanup-leak. expect: clean */
#include "leaks.h"

static NOINLINE int build(int fail) {
  char *a = malloc(10);
  char *b = malloc(11);
  char *c = malloc(12);
  a[0] = b[0] = c[0] = 'x';
  if (fail) goto free_c;
free_c:
  free(c);
  free(b);
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
