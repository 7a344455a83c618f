// A main loop runs beside main, which returns at once.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static int frames;
static void frame(void *name) {
  printf("%s %d\n", (char *)name, ++frames);
  if (frames == 5) emscripten_cancel_main_loop();
}
static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  emscripten_set_main_loop_arg(frame, "frame", 100, 0);
  puts("main returns");
  return 6;
}
