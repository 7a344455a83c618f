// Nobody ends the main loop, so the process must stay alive.
#include <emscripten.h>
#include <stdio.h>

static int frames;
static void frame(void) {
  if (frames < 3) printf("frame %d\n", ++frames);
}

int main(void) {
  emscripten_set_main_loop(frame, 50, 0);
  puts("main returns");
  return 0;
}
