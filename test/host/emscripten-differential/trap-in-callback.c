#include <emscripten.h>
#include <stdio.h>

static volatile int zero, seven = 7;
static void call(void *unused) {
  puts("dividing");
  printf("%d\n", seven / zero);
}
static void late(void *unused) { puts("late"); }

int main(void) {
  emscripten_async_call(call, NULL, 1);
  emscripten_async_call(late, NULL, 30);
  return 0;
}
