// JavaScript calls C functions by name.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMSCRIPTEN_KEEPALIVE int add(int a, int b) { return a + b; }
EMSCRIPTEN_KEEPALIVE const char *greeting(const char *name) {
  static char text[40];
  snprintf(text, sizeof text, "hello %s", name);
  return text;
}
EMSCRIPTEN_KEEPALIVE int sum(const unsigned char *bytes, int count) {
  int total = 0;
  while (count-- > 0) total += *bytes++;
  return total;
}
EMSCRIPTEN_KEEPALIVE void leave(int status) { exit(status); }

int main(void) {
  EM_ASM({
    const add = cwrap('add', 'number', ['number', 'number']);
    out('add ' + add(2, 3));
    out(ccall('greeting', 'string', ['string'], ['there']));
    out('sum ' + ccall('sum', 'number', ['array', 'number'], [[1, 2, 3], 3]));
    ccall('leave', null, ['number'], [8]);
    out('not reached');
  });
  return 0;
}
