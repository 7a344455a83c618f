#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static void bye(void) { puts("bye"); }
static void late(void *unused) { puts("late"); }

int main(void) {
  atexit(bye);
  emscripten_async_call(late, NULL, 10);
  puts("forced");
  emscripten_force_exit(11);
  puts("not reached");
}
