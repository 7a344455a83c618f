/* The pair of setjmp-leak: who catches knows what to free. needs: setjmp expect: clean */
#include "leaks.h"

#include <setjmp.h>

static jmp_buf escape;
static char *pending;

static NOINLINE void parse(int value) {
  if (value > 1) longjmp(escape, 1);
}

static NOINLINE void convert(int value) {
  pending = malloc(30);
  pending[0] = (char)value;
  parse(value);
  free(pending);
  pending = NULL;
}

static NOINLINE void run(void) {
  if (setjmp(escape) != 0) {
    free(pending);
    pending = NULL;
    return;
  }
  convert(1);
  convert(2);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
