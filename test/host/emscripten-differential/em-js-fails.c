#include <emscripten.h>
#include <stdio.h>

EM_JS(void, fails, (void), { throw new Error('out of JavaScript'); });

int main(void) {
  puts("before");
  fails();
  puts("after");
  return 0;
}
