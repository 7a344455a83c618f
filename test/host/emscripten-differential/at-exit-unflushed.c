#include <stdio.h>
#include <stdlib.h>

static void bye(void) { printf("bye"); }

int main(void) {
  atexit(bye);
  puts("line");
  printf("rest");
  return 2;
}
