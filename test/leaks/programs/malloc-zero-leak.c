/* A block of no bytes is a block all the same, with an address of its own to be freed.
 * differs(lsan): it counts a block of 0 bytes as 1 byte. */
#include "leaks.h"

static NOINLINE void run(void) {
  void *volatile block = malloc(0); /* expect: definite 1 block 0 bytes */
  block = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
