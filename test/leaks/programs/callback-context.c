/* A registration owns the context that travels with a callback, and never releases it.
 * Fixed: the registration is taken back. */
#include "leaks.h"

struct registration {
  void (*call)(void *context);
  void *context;
};

static NOINLINE void count(void *context) {
  ++*(int *)context;
}

static NOINLINE struct registration subscribe(void) {
  int *context = malloc(sizeof *context); /* expect: definite 1 block 4 bytes */
  *context = 0;
  return (struct registration){count, context};
}

#ifdef FIXED
static NOINLINE void unsubscribe(struct registration *registration) {
  free(registration->context);
}

#endif
static NOINLINE void run(void) {
  struct registration registration = subscribe();
  registration.call(registration.context);
#ifdef FIXED
  unsubscribe(&registration);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
