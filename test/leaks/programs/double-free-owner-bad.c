/* Callee and caller both think that the buffer is theirs. */
#include "leaks.h"

static NOINLINE char *make(void) {
  return malloc(48); /* expect: allocated buffer */
}

static NOINLINE int consume(char *buffer) {
  buffer[0] = 'c';
  free(buffer); /* expect: freed buffer */
  return -1;
}

static NOINLINE void run(void) {
  char *buffer = make();
  if (consume(buffer) < 0) free(buffer); /* expect: double-free buffer */
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
