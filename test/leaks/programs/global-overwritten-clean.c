/* The pair of global-overwritten-leak: the setter frees what was there. expect: clean */
#include "leaks.h"

ROOT char *setting;

static NOINLINE void set(size_t size) {
  free(setting);
  setting = malloc(size);
  setting[0] = 'a';
}

static NOINLINE void run(void) {
  set(10);
  set(11);
  free(setting);
  setting = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
