/* The pair of literal-free-bad: a copy may be freed. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *volatile text = strdup("a literal that nobody allocated");
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
