/* One object stands in two places of a container, and the container frees its objects. */
#include "leaks.h"

static NOINLINE void destroy(char **items, int count) {
  for (int i = 0; i < count; i++) free(items[i]); /* expect: freed shared */ /* expect: double-free shared */
}

static NOINLINE void run(void) {
#ifdef FIXED
  char *items[3] = {malloc(52), malloc(10), malloc(52)};
#else
  char *shared = malloc(52); /* expect: allocated shared */
  char *items[3] = {shared, malloc(10), shared};
#endif
  destroy(items, 3);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
