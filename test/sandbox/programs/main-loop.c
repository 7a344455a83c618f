/* A program whose work is done after main: what it keeps is freed when its runtime ends. */
#include <emscripten.h>
#include <stdlib.h>

static void *kept[5];
static int count;

static void frame(void) {
  kept[count++] = malloc(8);
  if (count == 5) emscripten_cancel_main_loop();
}
static void tidy(void) {
  while (count > 0) free(kept[--count]);
}

int main(void) {
  atexit(tidy);
  emscripten_set_main_loop(frame, 200, 0);
  return 3;
}
