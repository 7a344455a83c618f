/* The array of pointers is freed, the strings in it are not. */
#include "leaks.h"

static NOINLINE void run(void) {
  char **names = malloc(4 * sizeof *names);
  for (int i = 0; i < 4; i++) {
    names[i] = malloc(5); /* expect: definite 4 blocks 20 bytes */
    names[i][0] = 'n';
  }
#ifdef FIXED
  for (int i = 0; i < 4; i++) free(names[i]);
#endif
  free(names);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
