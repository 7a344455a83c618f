/* The pair of memory-stream-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  fputs("hello", stream);
  fclose(stream);
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
