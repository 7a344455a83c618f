#include <emscripten.h>
#include <stdlib.h>

#include "inline.h"

void *kept;
typedef void (*callback)(int);

EM_JS(int, several, (int a), {
  // a comment, and it's one with an apostrophe
  const sums = [1].map((each) => each + a);
  function inner() {
    return _grab(sums[0]);
  }
  return inner();
});

EMSCRIPTEN_KEEPALIVE void grab(int bytes) { kept = malloc(bytes); }
extern int helped(int bytes);
extern int through_macro(callback call, int bytes);
static void call_back(int bytes) { kept = malloc(bytes); }

void start(void) {
  several(10);
  EM_ASM({
    /* a comment */
    _grab($0);
    const text = '//';
    const arrow = () =>
      _grab(text.length);
    arrow();
  }, 12);
  MAIN_THREAD_EM_ASM_INT({ _grab(13); return 3; });
  helped(14);
  through_macro(call_back, 15);
  in_header(16);
  later(17);
  // Emscripten's own timer: the user wrote no part of its JavaScript.
  emscripten_async_call((em_arg_callback_func)call_back, (void *)18, 0);
}
