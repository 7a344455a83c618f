// Functions run at the end, the last registered first; one of them ends the program once more.
#include <stdio.h>
#include <stdlib.h>

static void first(void) { puts("first"); }
static void second(void) {
  puts("second");
  atexit(first);
}
static void third(void) { puts("third"); }

int main(void) {
  atexit(first);
  atexit(second);
  atexit(third);
  puts("main");
  printf("no newline at the end of this");
  exit(12);
}
