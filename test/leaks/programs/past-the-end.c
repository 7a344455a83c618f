/* A pointer one past the end does not point into the block: the block is lost. */
#include "leaks.h"

ROOT char *end;

static NOINLINE void run(void) {
  char *text = malloc(40); /* expect: definite 1 block 40 bytes */
  memset(text, ' ', 40);
  end = text + 40;
#ifdef FIXED
  free(end - 40);
  end = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
