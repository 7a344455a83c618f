// A callback ends the program: no call that is still pending runs.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static void end(void *unused) {
  puts("ending");
  exit(5);
}
static void late(void *unused) { puts("late"); }
static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  emscripten_async_call(end, NULL, 1);
  emscripten_async_call(late, NULL, 30);
  return 0;
}
