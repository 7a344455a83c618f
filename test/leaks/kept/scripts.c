/* Emscripten's JavaScript keeps the result of a script until the next one. Each result needs another size of block. */
#include <emscripten.h>
#include <stdio.h>

int main(void) {
  puts(emscripten_run_script_string("'one'"));
  puts(emscripten_run_script_string("'two, which is longer than the one before'"));
  puts(emscripten_run_script_string("'three'"));
  puts(emscripten_run_script_string("'x'.repeat(2000)"));
  return 0;
}
