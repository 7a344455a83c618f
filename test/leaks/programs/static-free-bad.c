/* A static array is given to free. */
#include "leaks.h"

static char storage[64];

static NOINLINE void dispose(char *text) {
  free(text); /* expect: foreign-free storage */
}

static NOINLINE void run(void) {
  char *volatile text = storage;
  dispose(text + 16);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
