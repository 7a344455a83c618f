/* A callback that is called through a pointer allocates; its caller drops the result. */
#include "leaks.h"

typedef char *(*make_fn)(int size);

static NOINLINE char *make(int size) {
  return malloc((size_t)size); /* expect: definite 3 blocks 60 bytes */
}

static NOINLINE void for_each(make_fn callback) {
  for (int i = 1; i <= 3; i++) {
    char *made = callback(10 * i);
    made[0] = (char)i;
#ifdef FIXED
    free(made);
#endif
  }
}

static NOINLINE void run(void) {
  for_each(make);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
