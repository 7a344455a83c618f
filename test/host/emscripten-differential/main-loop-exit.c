// A frame of the main loop calls exit().
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static int frames;
static void frame(void) {
  printf("frame %d\n", ++frames);
  if (frames == 2) exit(7);
  if (frames == 4) emscripten_cancel_main_loop();
}
static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  emscripten_set_main_loop(frame, 60, 1);
}
