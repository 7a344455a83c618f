/* There is one retain too many: the count never reaches zero. */
#include "leaks.h"

struct shared {
  int32_t count, value;
};

static NOINLINE struct shared *make(int32_t value) {
  struct shared *shared = malloc(sizeof *shared); /* expect: definite 1 block 8 bytes */
  shared->count = 1;
  shared->value = value;
  return shared;
}

static NOINLINE struct shared *retain(struct shared *shared) {
  shared->count++;
  return shared;
}

static NOINLINE void release(struct shared *shared) {
  if (--shared->count == 0) free(shared);
}

static NOINLINE void run(void) {
  struct shared *mine = make(1);
  struct shared *yours = retain(mine);
#ifndef FIXED
  retain(mine);
#endif
  release(yours);
  release(mine);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
