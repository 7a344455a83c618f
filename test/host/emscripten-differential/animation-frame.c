// requestAnimationFrame does not exist, because there is no browser.
#include <emscripten/html5.h>
#include <stdio.h>

static EM_BOOL frame(double time, void *data) { return EM_FALSE; }

int main(void) {
  puts("asking");
  emscripten_request_animation_frame(frame, NULL);
  puts("asked");
  return 0;
}
