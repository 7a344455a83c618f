// Calls come after main has returned, in the order of their times; atexit functions come last.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static void say(void *what) { printf("%s\n", (const char *)what); }
static void again(void *what) {
  printf("again %s\n", (const char *)what);
  emscripten_async_call(say, "third", 1);
}
static void bye(void) { puts("bye"); }

int main(void) {
  atexit(bye);
  emscripten_async_call(say, "second", 500);
  emscripten_async_call(again, "first", 1);
  puts("main returns");
  return 3;
}
