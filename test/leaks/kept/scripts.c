/* Emscripten's JavaScript keeps the result of a script until the next one. */
#include <emscripten.h>
#include <stdio.h>

int main(void) {
  puts(emscripten_run_script_string("'one'"));
  puts(emscripten_run_script_string("'two, which is longer than the one before'"));
  return 0;
}
