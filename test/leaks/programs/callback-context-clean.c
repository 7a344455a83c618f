/* The pair of callback-context-leak: the registration is taken back. expect: clean */
#include "leaks.h"

struct registration {
  void (*call)(void *context);
  void *context;
};

static NOINLINE void count(void *context) {
  ++*(int *)context;
}

static NOINLINE struct registration subscribe(void) {
  int *context = malloc(sizeof *context);
  *context = 0;
  return (struct registration){count, context};
}

static NOINLINE void unsubscribe(struct registration *registration) {
  free(registration->context);
}

static NOINLINE void run(void) {
  struct registration registration = subscribe();
  registration.call(registration.context);
  unsubscribe(&registration);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
