// C gives scripts as text, and calls the log functions of emscripten.h.
#include <emscripten.h>
#include <stdio.h>

int main(void) {
  emscripten_run_script("globalThis.number = 41");
  printf("%d\n", emscripten_run_script_int("number + 1"));
  printf("%s\n", emscripten_run_script_string("'te' + 'xt'"));
  emscripten_log(EM_LOG_CONSOLE, "console %d", 1);
  emscripten_log(EM_LOG_ERROR, "error %s", "two");
  emscripten_log(0, "plain");
  printf("random %d\n", emscripten_random() < 1);
  printf("now %d\n", emscripten_get_now() > 0);
  return 0;
}
