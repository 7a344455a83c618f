#include <emscripten.h>

EM_JS(void, in_header, (int bytes), { _grab(bytes); });

EM_JS(void, later, (int bytes), {
  setTimeout(function () {
    _grab(bytes);
  }, 0);
});
