// JavaScript in C: both kinds, with numbers and strings in both directions.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

EM_JS(int, add, (int a, int b), { return a + b; });
EM_JS(char *, text, (const char *name), {
  const value = 'hello ' + UTF8ToString(name);
  const length = lengthBytesUTF8(value) + 1;
  const pointer = _malloc(length);
  stringToUTF8(value, pointer, length);
  return pointer;
});

int main(void) {
  printf("%d\n", add(2, 3));
  char *made = text("w\xc3\xb6rld");
  puts(made);
  free(made);
  printf("%d\n", EM_ASM_INT({ return $0 * $1; }, 6, 7));
  printf("%.2f\n", EM_ASM_DOUBLE({ return $0 / 2; }, 2.5));
  EM_ASM({ console.log('logged', $0, [1, 2], { a: 'b' }); }, 5);
  EM_ASM({ console.error('error %d', $0); }, 6);
  EM_ASM({ console.warn('warned'); console.info('informed'); });
  EM_ASM({ out('out'); err('err'); });
  fflush(stdout);
  MAIN_THREAD_EM_ASM({ globalThis.kept = new Map([[1, 'one']]); });
  printf("%d\n", EM_ASM_INT({ return kept.get(1).length; }));
  return 0;
}
