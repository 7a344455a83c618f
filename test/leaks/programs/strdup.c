/* strdup and strndup allocate inside libc; the line is that of the caller. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *copy = strdup("twelve chars"); /* expect: definite 1 block 13 bytes */
  char *part = strndup("twelve chars", 6); /* expect: definite 1 block 7 bytes */
  copy[0] = part[0];
#ifdef FIXED
  free(part);
  free(copy);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
