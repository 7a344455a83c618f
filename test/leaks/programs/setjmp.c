/* longjmp leaves functions before they free their block. needs: setjmp
 * Fixed: the function that calls setjmp knows the block and frees it. */
#include "leaks.h"

#include <setjmp.h>

static jmp_buf escape;
#ifdef FIXED
static char *pending;
#endif

static NOINLINE void parse(int value) {
  if (value > 1) longjmp(escape, 1);
}

static NOINLINE void convert(int value) {
#ifdef FIXED
  pending = malloc(30);
  pending[0] = (char)value;
#else
  char *buffer = malloc(30); /* expect: definite 1 block 30 bytes */
  buffer[0] = (char)value;
#endif
  parse(value);
#ifdef FIXED
  free(pending);
  pending = NULL;
#else
  free(buffer);
#endif
}

static NOINLINE void run(void) {
#ifdef FIXED
  if (setjmp(escape) != 0) {
    free(pending);
    pending = NULL;
    return;
  }
#else
  if (setjmp(escape) != 0) return;
#endif
  convert(1);
  convert(2);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
