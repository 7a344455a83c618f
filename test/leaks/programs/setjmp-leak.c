/* longjmp leaves the functions between, and with them the block that they would have freed. needs: setjmp */
#include "leaks.h"

#include <setjmp.h>

static jmp_buf escape;

static NOINLINE void parse(int value) {
  if (value > 1) longjmp(escape, 1);
}

static NOINLINE void convert(int value) {
  char *buffer = malloc(30); /* expect: definite 1 block 30 bytes */
  buffer[0] = (char)value;
  parse(value);
  free(buffer);
}

static NOINLINE void run(void) {
  if (setjmp(escape) != 0) return;
  convert(1);
  convert(2);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
