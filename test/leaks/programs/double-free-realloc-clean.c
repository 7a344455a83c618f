/* The pair of double-free-realloc-bad. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *old = malloc(16);
  old[0] = 'x';
  char *new = realloc(old, 100000);
  free(new);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
