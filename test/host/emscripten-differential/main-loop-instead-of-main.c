// Control never returns to main from its main loop. A second loop follows, and the variables of main still exist.
#include <emscripten.h>
#include <stdio.h>

static int frames, *of_main;
static void second(void) {
  printf("second %d %d\n", ++frames, ++*of_main);
  if (frames == 5) emscripten_cancel_main_loop();
}
static void first(void) {
  printf("first %d %d\n", ++frames, ++*of_main);
  if (frames < 3) return;
  emscripten_cancel_main_loop();
  emscripten_set_main_loop(second, 0, 0);
}

int main(void) {
  int local = 42;
  of_main = &local;
  printf("before %d\n", local);
  emscripten_set_main_loop(first, 0, 1);
  puts("not reached");
  return 1;
}
