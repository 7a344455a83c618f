/* A block that points to itself is lost by itself and not reachable. */
#include "leaks.h"

struct knot {
  struct knot *self;
  char text[20];
};

static NOINLINE void run(void) {
  struct knot *knot = malloc(sizeof *knot); /* expect: definite 1 block 24|32 bytes */
  knot->self = knot;
#ifdef FIXED
  free(knot->self);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
