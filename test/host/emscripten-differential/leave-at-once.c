// _Exit runs no function and does not flush buffers.
#include <stdio.h>
#include <stdlib.h>

static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  puts("a line");
  fprintf(stderr, "an error");
  printf("half a line");
  _Exit(21);
}
