// JavaScript's timers and promises call C.
#include <emscripten.h>
#include <stdio.h>

EMSCRIPTEN_KEEPALIVE void called(int from) { printf("called %d\n", from); }

int main(void) {
  EM_ASM({
    setTimeout(() => _called(4), 50);
    Promise.resolve().then(() => _called(2));
    queueMicrotask(() => _called(3));
    let rounds = 0;
    const interval = setInterval(() => {
      _called(10 + ++rounds);
      if (rounds === 2) clearInterval(interval);
    }, 300);
    clearTimeout(setTimeout(() => _called(99), 1));
    setTimeout((a, b) => _called(a + b), 1000, 50, 5);
    _called(1);
  });
  puts("main returns");
  return 0;
}
