/* JavaScript puts functions into the table: an export itself, and a closure around one. C and JavaScript call them. */
#include <emscripten.h>
#include <stdlib.h>

void *kept;
typedef void (*callback)(int);
EMSCRIPTEN_KEEPALIVE void grab(int bytes) { kept = malloc(bytes); }

EM_JS(int, put_export, (), {
  const index = wasmTable.length;
  wasmTable.grow(1);
  wasmTable.set(index, (typeof wasmExports != 'undefined' ? wasmExports : Module['asm'])['grab']);
  return index;
});
EM_JS(int, add_closure, (), { return addFunction(function closure(bytes) { _grab(bytes); }, 'vi'); });
EM_JS(void, call_back, (callback call, int bytes), { getWasmTableEntry(call)(bytes); });

static void own(int bytes) { kept = malloc(bytes); }

int main(void) {
  callback exported = (callback)put_export();
  callback closure = (callback)add_closure();
  closure(22);
  call_back(own, 24);
  call_back(exported, 25);
  return 0;
}
