/* The pair of pointer-array-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char **names = malloc(4 * sizeof *names);
  for (int i = 0; i < 4; i++) {
    names[i] = malloc(5);
    names[i][0] = 'n';
  }
  for (int i = 0; i < 4; i++) free(names[i]);
  free(names);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
