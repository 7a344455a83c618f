/* The second step fails, and the function returns without freeing the block of the first step.
 * Fixed: the function has one way out, past the free. */
#include "leaks.h"

static NOINLINE int second_step(int value) {
  return value > 2 ? -1 : 0;
}

static NOINLINE int process(int value) {
#ifdef FIXED
  int result = -1;
#endif
  char *buffer = malloc(64); /* expect: definite 2 blocks 128 bytes */
  buffer[0] = (char)value;
#ifdef FIXED
  if (second_step(value) != 0) goto done;
  result = 0;
done:
#else
  if (second_step(value) != 0) return -1;
#endif
  free(buffer);
#ifdef FIXED
  return result;
#else
  return 0;
#endif
}

static NOINLINE void run(void) {
  for (int i = 0; i < 5; i++) process(i);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
