/* The pair of freed-owner-leak: a dangling pointer alone is no leak. expect: clean */
#include "leaks.h"

struct owner {
  char padding[200];
  char *owned;
};

ROOT struct owner *dangling;

static NOINLINE void run(void) {
  struct owner *owner = malloc(sizeof *owner);
  owner->owned = malloc(25);
  dangling = owner;
  free(owner->owned);
  free(owner);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
