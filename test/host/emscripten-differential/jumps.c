// setjmp and longjmp: over several frames, with values, and repeatedly.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf outer, inner;
static void deep(int depth) {
  char *held = malloc(10);
  if (depth == 0) longjmp(inner, 7);
  deep(depth - 1);
  free(held);
}

int main(void) {
  volatile int rounds = 0;
  switch (setjmp(outer)) {
    case 0: puts("first"); break;
    case 3: puts("third"); return 5;
    default: puts("second"); break;
  }
  const int value = setjmp(inner);
  printf("inner %d\n", value);
  if (value == 0) deep(5);
  if (rounds++ == 0) longjmp(outer, 0);
  longjmp(outer, 3);
}
