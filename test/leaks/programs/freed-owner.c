/* A freed block still holds a pointer; a second block reuses no part of it. Freed memory is never a root.
 * Fixed: a dangling pointer is not a leak. */
#include "leaks.h"

struct owner {
  char padding[200];
  char *owned;
};

ROOT struct owner *dangling;

static NOINLINE void run(void) {
  struct owner *owner = malloc(sizeof *owner);
  owner->owned = malloc(25); /* expect: definite 1 block 25 bytes */
  dangling = owner;
#ifdef FIXED
  free(owner->owned);
#endif
  free(owner);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
