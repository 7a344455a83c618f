/* memalign, the oldest of the aligning functions, allocates a page that is dropped. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *page = memalign(4096, 4096); /* expect: definite 1 block 4096 bytes */
  page[0] = 'x';
#ifdef FIXED
  free(page);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
