/* The program frees a static array.
 * Fixed: the program knows which text is static. */
#include "leaks.h"

static char storage[64];

static NOINLINE void dispose(char *text) {
#ifdef FIXED
  if (text < storage || text >= storage + sizeof storage) free(text);
#else
  free(text); /* expect: foreign-free storage */
#endif
}

static NOINLINE void run(void) {
#ifdef FIXED
  dispose(storage);
  dispose(malloc(64));
#else
  char *volatile text = storage;
  dispose(text + 16);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
