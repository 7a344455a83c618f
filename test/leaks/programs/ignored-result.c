/* The caller does not know that it must free the result. Two callers make two contexts of one line. */
#include "leaks.h"

static NOINLINE char *describe(int value) {
  char *text = malloc(16); /* expect: definite 2 blocks 32 bytes */
  text[0] = (char)value;
  return text;
}

static NOINLINE int first(void) {
#ifdef FIXED
  char *text = describe(1);
  int value = text[0];
  free(text);
  return value;
}
#else
  return describe(1)[0];
}

static NOINLINE int second(void) {
  return describe(2)[0];
}
#endif

static NOINLINE void run(void) {
#ifdef FIXED
  volatile int sum = first();
#else
  volatile int sum = first() + second();
#endif
  (void)sum;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
