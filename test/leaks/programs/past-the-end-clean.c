/* The pair of past-the-end-leak. expect: clean */
#include "leaks.h"

ROOT char *end;

static NOINLINE void run(void) {
  char *text = malloc(40);
  memset(text, ' ', 40);
  end = text + 40;
  free(end - 40);
  end = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
