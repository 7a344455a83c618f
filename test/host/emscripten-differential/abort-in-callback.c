#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

static void inner(void) { abort(); }
static void call(void *unused) {
  puts("called");
  inner();
}

int main(void) {
  emscripten_async_call(call, NULL, 1);
  return 0;
}
