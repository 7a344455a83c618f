/* The pair of memalign-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *page = memalign(4096, 4096);
  page[0] = 'x';
  free(page);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
