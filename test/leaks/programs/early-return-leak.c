/* An empty input takes a short cut past the free. */
#include "leaks.h"

static NOINLINE size_t measure(const char *text) {
  char *copy = malloc(32); /* expect: definite 1 block 32 bytes */
  strcpy(copy, text);
  if (copy[0] == '\0') return 0;
  size_t length = strlen(copy);
  free(copy);
  return length;
}

static NOINLINE void run(void) {
  measure("text");
  measure("");
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
