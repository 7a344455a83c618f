/* An empty input returns early, before the free.
 * Fixed: the early return comes before the allocation. */
#include "leaks.h"

static NOINLINE size_t measure(const char *text) {
#ifdef FIXED
  if (text[0] == '\0') return 0;
#endif
  char *copy = malloc(32); /* expect: definite 1 block 32 bytes */
  strcpy(copy, text);
#ifndef FIXED
  if (copy[0] == '\0') return 0;
#endif
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
