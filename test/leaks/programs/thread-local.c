/* Thread-local variables are roots; the blocks that they pointed to before are lost. */
#include "leaks.h"

static __attribute__((used)) _Thread_local char *scratch;

static NOINLINE void prepare(size_t size) {
#ifdef FIXED
  free(scratch);
#endif
  scratch = malloc(size); /* expect: definite 1 block 14 bytes, reachable 1 block 15 bytes */
  scratch[0] = 's';
}

static NOINLINE void run(void) {
  prepare(14);
  prepare(15);
#ifdef FIXED
  free(scratch);
  scratch = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
