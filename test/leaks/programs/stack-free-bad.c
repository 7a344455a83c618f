/* A local array is given to free. */
#include "leaks.h"

static NOINLINE void dispose(char *text) {
  free(text); /* expect: foreign-free local */
}

static NOINLINE void run(void) {
  char local[32] = "on the stack";
  char *volatile text = local;
  dispose(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
