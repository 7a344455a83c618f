/* The pair of double-free-owner-bad. expect: clean */
#include "leaks.h"

static NOINLINE char *make(void) {
  return malloc(48);
}

static NOINLINE int consume(char *buffer) {
  buffer[0] = 'c';
  return -1;
}

static NOINLINE void run(void) {
  char *buffer = make();
  consume(buffer);
  free(buffer);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
