/* The pair of ignored-result-leak. expect: clean */
#include "leaks.h"

static NOINLINE char *describe(int value) {
  char *text = malloc(16);
  text[0] = (char)value;
  return text;
}

static NOINLINE int first(void) {
  char *text = describe(1);
  int value = text[0];
  free(text);
  return value;
}

static NOINLINE void run(void) {
  volatile int sum = first();
  (void)sum;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
