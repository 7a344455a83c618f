/* open_memstream leaves its buffer to the caller when the stream is closed. libc decides how often and on which line it
 * grows the buffer, so the text is short enough for the first buffer. */
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
