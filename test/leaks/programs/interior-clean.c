/* The pair of interior-leak: the start is found again from the middle. expect: clean */
#include "leaks.h"

ROOT char *cursor;

static NOINLINE void run(void) {
  char *text = malloc(100);
  memset(text, ' ', 100);
  cursor = text + 30;
  free(cursor - 30);
  cursor = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
