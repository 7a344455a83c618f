/* The pair of string-builder-leak: each step frees what it replaces. expect: clean */
#include "leaks.h"

static NOINLINE char *append(char *text, const char *more) {
  char *joined = malloc(strlen(text) + strlen(more) + 1);
  strcpy(joined, text);
  strcat(joined, more);
  free(text);
  return joined;
}

static NOINLINE void run(void) {
  char *text = malloc(4);
  strcpy(text, "one");
  text = append(text, "1");
  text = append(text, "22");
  text = append(text, "333");
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
