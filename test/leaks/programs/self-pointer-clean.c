/* The pair of self-pointer-leak. expect: clean */
#include "leaks.h"

struct knot {
  struct knot *self;
  char text[20];
};

static NOINLINE void run(void) {
  struct knot *knot = malloc(sizeof *knot);
  knot->self = knot;
  free(knot->self);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
