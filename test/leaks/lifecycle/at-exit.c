/* A block that an atexit function frees still exists when main returns. */
#include <stdlib.h>

static char *state;

static void tear_down(void) {
  free(state);
  state = NULL;
}

int main(void) {
  state = malloc(64);
  atexit(tear_down);
  void *volatile lost = malloc(11);
  lost = NULL;
  return 0;
}
