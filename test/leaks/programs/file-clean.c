/* The pair of file-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  static char text[] = "some text";
  FILE *stream = fmemopen(text, sizeof text - 1, "r");
  fclose(stream);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
