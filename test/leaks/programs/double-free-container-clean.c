/* The pair of double-free-container-bad. expect: clean */
#include "leaks.h"

static NOINLINE void destroy(char **items, int count) {
  for (int i = 0; i < count; i++) free(items[i]);
}

static NOINLINE void run(void) {
  char *items[3] = {malloc(52), malloc(10), malloc(52)};
  destroy(items, 3);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
