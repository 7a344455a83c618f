/* The pair of early-return-leak: the short cut comes first. expect: clean */
#include "leaks.h"

static NOINLINE size_t measure(const char *text) {
  if (text[0] == '\0') return 0;
  char *copy = malloc(32);
  strcpy(copy, text);
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
