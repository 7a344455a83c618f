/* The pair of initialised-data-leak: freed unless it is the constant. expect: clean */
#include "leaks.h"

static char fallback[] = "default";
ROOT char *name = fallback;

static NOINLINE void run(void) {
  name = malloc(21);
  name[0] = 'n';
  if (name != fallback) free(name);
  name = fallback;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
