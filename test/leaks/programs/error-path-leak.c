/* The second step fails and the function returns without freeing what the first step took. */
#include "leaks.h"

static NOINLINE int second_step(int value) {
  return value > 2 ? -1 : 0;
}

static NOINLINE int process(int value) {
  char *buffer = malloc(64); /* expect: definite 2 blocks 128 bytes */
  buffer[0] = (char)value;
  if (second_step(value) != 0) return -1;
  free(buffer);
  return 0;
}

static NOINLINE void run(void) {
  for (int i = 0; i < 5; i++) process(i);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
