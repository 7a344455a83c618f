/* entries.cpp -- entries.c with exceptions, and with JavaScript inside that takes functions out of the table. */
#include <emscripten.h>
#include <stdexcept>

typedef void function(void);
typedef function *pointer;
EM_JS(void, run_script, (pointer f, pointer g), {
  wasmTable.get(f)();
  try {
    wasmTable.get(g)();
  } catch (error) {
    if (g % 2) throw error;
  }
});
EM_JS(void, come_back, (pointer f), {
  setTimeout(() => {
    try {
      wasmTable.get(f)();
    } catch (error) {
    }
  }, 0);
});

#define GUARD(call)                                                                    \
  try {                                                                                \
    call;                                                                              \
  } catch (const std::exception &) {                                                   \
    EM_ASM({ wasmTable.get($0)(); wasmTable.get($0)(); }, functions[which() % 3]);     \
  }
#define THROW throw std::runtime_error("thrown where it was told to")
#define SCRIPT(f, g) run_script(f, g)
#define LATER(f) come_back(f)

#include "entries.c"
