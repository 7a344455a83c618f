// emscripten_force_exit ends a runtime that something keeps alive.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static void late(void *unused) { puts("late"); }
static void end(void *unused) {
  puts("forced");
  emscripten_force_exit(9);
}
static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  emscripten_async_call(late, NULL, 40);
  emscripten_async_call(end, NULL, 1);
  return 0;
}
