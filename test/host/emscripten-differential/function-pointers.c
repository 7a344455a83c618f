// C calls JavaScript functions through pointers.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>

typedef int (*compare)(const void *, const void *);

int main(void) {
  int numbers[] = {3, 1, 2};
  const compare less = (compare)EM_ASM_INT({
    return addFunction((a, b) => HEAP32[a >> 2] - HEAP32[b >> 2], 'iii');
  });
  qsort(numbers, 3, sizeof *numbers, less);
  printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
  EM_ASM({ removeFunction($0); }, less);
  return 0;
}
