/* stack.c -- uses its stack up in several ways. Compile with -O0. */
#include <stdlib.h>
#include <string.h>

static volatile int sink;
static char before[64] = "data that an overflow must not touch";
static void *kept;

int deep(int n) {
  char frame[1024];
  memset(frame, n, sizeof frame);
  return n == 0 ? frame[5] : deep(n - 1) + frame[7];
}
/* Calls nothing itself, and writes below the stack pointer. */
static void leaf(int n) {
  char small[64];
  for (int i = 0; i < 64; i++) small[i] = (char)n;
  sink = small[n & 63];
}
int deep_leaf(int n) {
  volatile char frame[16];
  frame[0] = (char)n;
  leaf(n);
  return n == 0 ? 0 : deep_leaf(n - 1) + frame[0];
}
/* At once, by one array. */
int wide(int size) {
  char array[size];
  leaf(size);
  memset(array, 1, (size_t)size);
  return array[size / 2];
}
/* Frames of few bytes in C: the engine's own stack ends first. */
__attribute__((noinline)) int endless(int n) {
  int result = n < 0 ? 0 : endless(n + 1);
  sink = result;
  return result + 1;
}

int outside(void) { return *(volatile int *)0x7fffff00; }
int keep(int size) {
  kept = malloc((size_t)size);
  return before[0] == 'd';
}
