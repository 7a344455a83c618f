/* The pair of thread-local-leak. expect: clean */
#include "leaks.h"

static __attribute__((used)) _Thread_local char *scratch;

static NOINLINE void prepare(size_t size) {
  free(scratch);
  scratch = malloc(size);
  scratch[0] = 's';
}

static NOINLINE void run(void) {
  prepare(14);
  prepare(15);
  free(scratch);
  scratch = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
