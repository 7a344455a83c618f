/* table-entries.cpp -- JavaScript that calls C through the function table, at once and later, below other calls and
 * below none, and what can go wrong in there. For Emscripten. */
#include <emscripten.h>
#include <emscripten/stack.h>
#include <stdexcept>
#include <stdlib.h>
#include <string.h>

typedef void (*callback)(int);

static void *kept[100000];
static int count;

__attribute__((noinline)) static void keep(int size) {
  kept[count] = malloc(size);
  memset(kept[count++], 1, size);
}
__attribute__((noinline)) static void deep(int levels) {
  volatile char frame[100];
  frame[0] = levels;
  if (levels == 0) keep(100);
  else deep(levels - 1);
  frame[1] = levels;
}
static void first(int size) { keep(size); }
static void second(int levels) { deep(levels); }
static void traps(int) {
  volatile char frame[1000];
  frame[0] = 1;
  __builtin_trap();
}
static void leaves(int status) { exit(status); }
static void throws(int value) { throw std::runtime_error("a message that is long enough for the heap"); }

EM_JS(void, call_table, (callback f, int argument), { wasmTable.get(f)(argument); });
EM_JS(int, call_caught, (callback f, int argument), {
  try {
    wasmTable.get(f)(argument);
  } catch (error) {
    return 1;
  }
  return 0;
});
EM_JS(void, call_later, (callback f, int argument, int ms), {
  setTimeout(() => wasmTable.get(f)(argument), ms);
});
EM_JS(int, call_later_caught, (callback f, int argument), {
  setTimeout(() => {
    try {
      wasmTable.get(f)(argument);
    } catch (error) {
      Module.caught = error;
    }
  }, 1);
});
EM_JS(int, was_caught, (void), { return Module.caught === undefined ? 0 : 1; });
EM_JS(int, same_function, (callback f), {
  const entry = wasmTable.get(f);
  const index = addFunction(entry, 'vi');
  const before = wasmTable.get(wasmTable.length - 1);
  wasmTable.set(wasmTable.length - 1, entry);
  const same = wasmTable.get(wasmTable.length - 1) === entry;
  wasmTable.set(wasmTable.length - 1, before);
  return (entry === wasmTable.get(f) ? 1 : 0) + (entry.length === 1 ? 2 : 0) + (index === f ? 4 : 0) + (same ? 8 : 0) +
         (wasmTable instanceof WebAssembly.Table ? 16 : 0) + (wasmTable.get(0) === null ? 32 : 0);
});
EM_JS(callback, add_script, (callback f), {
  return addFunction((size) => wasmTable.get(f)(size + 1), 'vi');
});

extern "C" {
int caught;

/* Two entries one after another below the same call. */
void twice(int rounds) {
  EM_ASM({ for (let i = 0; i < $2; i++) { wasmTable.get($0)(11); wasmTable.get($1)(2); } }, first, second, rounds);
}

/* The same without any JavaScript in between, for what invoke_* makes of it. */
__attribute__((noinline)) void guarded(callback f, int argument) {
  try {
    f(argument);
  } catch (const std::exception &) {
    caught++;
  }
}
void through_invoke() {
  guarded(first, 21);
  guarded(second, 1);
}

/* C -> invoke_ -> C -> JavaScript -> table -> C: the last one is an entry. */
static void calls_script(int argument) { call_table(first, argument); }
void entry_below_invoke() {
  guarded(calls_script, 31);
  guarded(calls_script, 32);
}
/* The exception passes JavaScript on its way. */
static void throws_below_script(int argument) { call_table(throws, argument); }
void exception_through_script() {
  guarded(throws_below_script, 1);
  first(41);
  guarded(throws_below_script, 1);
  first(41);
}

/* After a failure that JavaScript has caught in between: nonzero when the C stack is not where it was. */
int after_trap() {
  volatile char mark[16];
  mark[0] = 42;
  int before = emscripten_stack_get_current();
  int failed = call_caught(traps, 0);
  int moved = emscripten_stack_get_current() - before;
  first(51);
  return failed == 1 && mark[0] == 42 ? moved : -1;
}
int after_exit() { return call_caught(leaves, 3); }

void later(int rounds) {
  for (int i = 0; i < rounds; i++) {
    call_later(first, 61, 1);
    call_later(second, 3, 1);
  }
}
void trap_later() { call_later_caught(traps, 0); }
int stack_pointer() { return emscripten_stack_get_current(); }
int caught_in_script() { return was_caught(); }
int same() { return same_function(first); }

/* C -> table -> JavaScript -> table -> C. */
void through_script(int size) { guarded(add_script(first), size); }
}
