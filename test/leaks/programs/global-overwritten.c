/* A global is set twice: the first block is lost, the second is still reachable.
 * Fixed: the setter frees the old block. */
#include "leaks.h"

ROOT char *setting;

#ifdef FIXED
static NOINLINE void set(size_t size) {
  free(setting);
  setting = malloc(size);
  setting[0] = 'a';
}
#else
static NOINLINE void set_first(void) {
  setting = malloc(10); /* expect: definite 1 block 10 bytes */
  setting[0] = 'a';
}
#endif

#ifndef FIXED
static NOINLINE void set_second(void) {
  setting = malloc(11); /* expect: reachable 1 block 11 bytes */
  setting[0] = 'b';
}

#endif
static NOINLINE void run(void) {
#ifdef FIXED
  set(10);
  set(11);
  free(setting);
  setting = NULL;
#else
  set_first();
  set_second();
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
