/* Loses one block at each level of a recursion, as a recursive-descent parser with a forgotten free() does: of one
 * function, or (with a second argument) of functions that call each other in no order. */
#include <stdlib.h>
volatile int sink;
unsigned state = 1;
int random_walk(int depth);

__attribute__((noinline)) void lose(int depth) {
  char *p = malloc(16);
  p[0] = (char)depth;
  sink += p[0];
}

__attribute__((noinline)) int walk(int depth) {
  lose(depth);
  int below = depth > 0 ? walk(depth - 1) + 1 : 0;
  sink += below;
  return below;
}

#define WAY(n)                                      \
  __attribute__((noinline)) int way##n(int depth) { \
    lose(depth);                                    \
    int below = random_walk(depth - 1) + n;         \
    sink += below;                                  \
    return below;                                   \
  }
WAY(1) WAY(2) WAY(3) WAY(4) WAY(5) WAY(6) WAY(7) WAY(8)

int random_walk(int depth) {
  if (depth <= 0) return 0;
  state = state * 1664525 + 1013904223;
  switch (state >> 29) {
    case 0: return way1(depth) + 1;
    case 1: return way2(depth) + 2;
    case 2: return way3(depth) + 3;
    case 3: return way4(depth) + 4;
    case 4: return way5(depth) + 5;
    case 5: return way6(depth) + 6;
    case 6: return way7(depth) + 7;
    default: return way8(depth) + 8;
  }
}

int main(int argc, char **argv) {
  int depth = argc > 1 ? atoi(argv[1]) : 1000;
  return (argc > 2 ? random_walk(depth / 2) : walk(depth)) == -1;
}
