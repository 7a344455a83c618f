/* The pair of hidden-pointer-leak: taken out of its disguise and freed. expect: clean */
#include "leaks.h"

ROOT uintptr_t disguised;

static NOINLINE void run(void) {
  char *secret = malloc(26);
  secret[0] = 's';
  disguised = ~(uintptr_t)secret;
  free((void *)~disguised);
  disguised = 0;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
