/* The pair of dead-stack-leak: the stale pointer is that of a freed block. expect: clean */
#include "leaks.h"

static NOINLINE void deep(void) {
  char *volatile locals[8192];
  locals[0] = malloc(45);
  for (int i = 1; i < 8192; i++) locals[i] = NULL;
  free(locals[0]);
}

static NOINLINE void run(void) {
  deep();
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
