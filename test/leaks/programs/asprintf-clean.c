/* The pair of asprintf-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *text = NULL;
  if (asprintf(&text, "%d bottles", 99) < 0) return;
  text[0] = 'x';
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
