/* The pair of interior-free-bad. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *text = malloc(56);
  strcpy(text, "   text");
  char *word = text;
  while (*word == ' ') word++;
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
