/* asprintf allocates inside libc, and libc chooses the size; the line is that of the caller. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *text = NULL;
  if (asprintf(&text, "%d bottles", 99) < 0) return; /* expect: definite 1 block * bytes */
  text[0] = 'x';
#ifdef FIXED
  free(text);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
