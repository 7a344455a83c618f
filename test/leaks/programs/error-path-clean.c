/* The pair of error-path-leak: one way out, over the free. expect: clean */
#include "leaks.h"

static NOINLINE int second_step(int value) {
  return value > 2 ? -1 : 0;
}

static NOINLINE int process(int value) {
  int result = -1;
  char *buffer = malloc(64);
  buffer[0] = (char)value;
  if (second_step(value) != 0) goto done;
  result = 0;
done:
  free(buffer);
  return result;
}

static NOINLINE void run(void) {
  for (int i = 0; i < 5; i++) process(i);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
