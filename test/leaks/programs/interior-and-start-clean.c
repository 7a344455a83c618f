/* The pair of interior-and-start-leak. expect: clean */
#include "leaks.h"

ROOT char *cursors[3];

static NOINLINE void run(void) {
  char *text = malloc(60);
  cursors[0] = text + 30;
  cursors[1] = text;
  cursors[2] = text + 1;
  free(cursors[1]);
  memset(cursors, 0, sizeof cursors);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
