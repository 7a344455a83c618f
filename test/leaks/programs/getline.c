/* getline allocates its line for the caller; the stream is closed, the line forgotten. */
#include "leaks.h"

static NOINLINE void run(void) {
  char text[] = "first\nsecond\n";
  FILE *stream = fmemopen(text, sizeof text - 1, "r");
  char *line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, stream) > 0) line[0] = 'x'; /* expect: definite 1 block * bytes */
#ifdef FIXED
  free(line);
#endif
  fclose(stream);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
