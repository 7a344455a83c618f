/* A global is set twice: the first block is lost, the second is still reachable. */
#include "leaks.h"

ROOT char *setting;

static NOINLINE void set_first(void) {
  setting = malloc(10); /* expect: definite 1 block 10 bytes */
  setting[0] = 'a';
}

static NOINLINE void set_second(void) {
  setting = malloc(11); /* expect: reachable 1 block 11 bytes */
  setting[0] = 'b';
}

static NOINLINE void run(void) {
  set_first();
  set_second();
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
