/* Callee and caller both believe that they own the buffer. */
#include "leaks.h"

static NOINLINE char *make(void) {
  return malloc(48); /* expect: allocated buffer */
}

static NOINLINE int consume(char *buffer) {
  buffer[0] = 'c';
#ifndef FIXED
  free(buffer); /* expect: freed buffer */
#endif
  return -1;
}

static NOINLINE void run(void) {
  char *buffer = make();
#ifdef FIXED
  consume(buffer);
  free(buffer);
#else
  if (consume(buffer) < 0) free(buffer); /* expect: double-free buffer */
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
