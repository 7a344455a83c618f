/* With -sDYNCALLS the glue calls functions of the table through functions that Binaryen makes. */
#include <emscripten.h>
#include <stdlib.h>

void *kept;
typedef void (*callback)(int);
EM_JS(void, directly, (callback call, int bytes), {
  (typeof dynCall_vi != 'undefined' ? dynCall_vi : Module['dynCall_vi'])(call, bytes);
});

__attribute__((noinline)) static void deeper(int bytes) {
  kept = malloc(bytes);
  kept = malloc(bytes + 1);
}
static void call_back(int bytes) {
  deeper(bytes);
  kept = malloc(bytes + 2);
}

int main(void) {
  directly(call_back, 10);
  call_back(20);
  emscripten_async_call((em_arg_callback_func)call_back, (void *)30, 0);
  return 0;
}
