// The program leaves main, and the runtime stays alive for a timer.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static int ticks;
static void tick(void *unused) {
  printf("tick %d\n", ++ticks);
  if (ticks < 3) emscripten_async_call(tick, NULL, 2);
}
static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  emscripten_async_call(tick, NULL, 2);
  puts("leaving main");
  emscripten_exit_with_live_runtime();
  puts("not reached");
  return 4;
}
