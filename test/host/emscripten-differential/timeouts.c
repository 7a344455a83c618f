// The timers of html5.h: how often each one calls, and the order of timers whose times are far apart.
#include <emscripten/html5.h>
#include <stdio.h>

static long interval;
static int ticks, loops, immediate;
static void timeout(void *data) { printf("timeout %s\n", (char *)data); }
static void tick(void *data) {
  if (++ticks == 3) emscripten_clear_interval(interval);
}
static EM_BOOL loop(double time, void *data) { return ++*(int *)data < 3; }
static EM_BOOL immediately(void *data) { return ++*(int *)data < 2; }
static void late(void *data) {
  timeout(data);
  printf("ticks %d loops %d immediate %d\n", ticks, loops, immediate);
}

int main(void) {
  emscripten_set_timeout(late, 900, "late");
  emscripten_set_timeout(timeout, 2, "early");
  emscripten_clear_timeout(emscripten_set_timeout(timeout, 4, "never"));
  interval = emscripten_set_interval(tick, 20, NULL);
  emscripten_set_timeout_loop(loop, 30, &loops);
  emscripten_set_immediate_loop(immediately, &immediate);
  return 0;
}
