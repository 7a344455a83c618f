/* library.c -- functions that an npm package might offer to JavaScript. They leak, call back, grow the memory and fail. */
#include <emscripten.h>
#include <stdlib.h>
#include <string.h>

typedef int callback(int);

__attribute__((noinline)) static char *make(size_t size) {
  char *volatile block = malloc(size);
  memset(block, 1, size);
  return block;
}

/* The pointer that C keeps is not the one that JavaScript gets. */
EMSCRIPTEN_KEEPALIVE char *leak(int size) { return make(size); }
EMSCRIPTEN_KEEPALIVE void drop(char *block) { free(block); }
EMSCRIPTEN_KEEPALIVE int apply(callback *f, int n) { return f(n) + 1; }
EMSCRIPTEN_KEEPALIVE callback *pointer(void);
EMSCRIPTEN_KEEPALIVE void fail(int size) {
  make(size);
  __builtin_trap();
}
EMSCRIPTEN_KEEPALIVE void leave(int status) {
  make(status);
  exit(status);
}
EMSCRIPTEN_KEEPALIVE void unwind(int size) {
  make(size);
  emscripten_exit_with_live_runtime();
}
EMSCRIPTEN_KEEPALIVE int length(const char *text) {
  char *copy = strdup(text);
  int result = strlen(copy);
  free(copy);
  return result;
}
EMSCRIPTEN_KEEPALIVE int plus(int a, int b) { return a + b; }
/* It never reaches the heap, and ends only with 0. */
EMSCRIPTEN_KEEPALIVE int endless(int step) {
  for (volatile int n = 0;; n += step)
    if (step == 0) return n;
}

static int twice(int size) {
  free(make(2 * size));
  return (int)make(2 * size);
}
callback *pointer(void) { return twice; }

EM_JS(void, call_later, (callback * f, int n), {
  setTimeout(() => {
    (typeof getWasmTableEntry == 'function' ? getWasmTableEntry(f) : wasmTable.get(f))(n);
  }, 1);
});
EMSCRIPTEN_KEEPALIVE void later(int n) { call_later(twice, n); }
