/* The pair of static-free-bad: what is static is told apart. expect: clean */
#include "leaks.h"

static char storage[64];

static NOINLINE void dispose(char *text) {
  if (text < storage || text >= storage + sizeof storage) free(text);
}

static NOINLINE void run(void) {
  dispose(storage);
  dispose(malloc(64));
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
