// exceptions.cc -- C++ that catches: Emscripten calls what may throw through its JavaScript.
#include <stdlib.h>

extern "C" {
extern int host_call(int depth);

__attribute__((noinline)) int relay(int depth) { return host_call(depth) + 1; }

/* Allocates nothing itself. */
__attribute__((noinline)) int guarded(int depth) {
  try {
    return relay(depth) + 1;
  } catch (int thrown) {
    return thrown;
  }
}

static void *kept;

__attribute__((noinline)) int fail(int value) {
  kept = malloc(7);
  if (kept != nullptr) throw value;
  return 0;
}

int recover(int value) {
  try {
    return fail(value);
  } catch (int thrown) {
    return thrown;
  }
}

int keep(int size) { return malloc(size) != nullptr; }
}
