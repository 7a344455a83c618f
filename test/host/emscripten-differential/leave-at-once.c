// _Exit runs nothing and writes nothing that is still in a buffer.
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
