// A main loop pauses, is resumed by a timer, and changes its pace.
#include <emscripten.h>
#include <stdio.h>

static int frames;
static void resume(void *unused) {
  puts("resumed");
  emscripten_resume_main_loop();
}
static void frame(void) {
  printf("frame %d\n", ++frames);
  if (frames == 2) {
    emscripten_pause_main_loop();
    emscripten_async_call(resume, NULL, 60);
  }
  if (frames == 3) emscripten_set_main_loop_timing(EM_TIMING_SETIMMEDIATE, 0);
  if (frames == 5) emscripten_cancel_main_loop();
}

int main(void) {
  emscripten_set_main_loop(frame, 200, 0);
  int mode, value;
  emscripten_get_main_loop_timing(&mode, &value);
  printf("timing %d %d\n", mode, value);
  return 0;
}
