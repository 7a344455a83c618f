/* open_memstream leaves its buffer to the caller when the stream is closed. How often libc grows the buffer, and on
 * which line, is its own affair: the text is short enough for the first one. */
#include "leaks.h"

static NOINLINE void run(void) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  fputs("hello", stream);
  fclose(stream); /* expect: somewhere definite 1 block * bytes */
#ifdef FIXED
  free(text);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
