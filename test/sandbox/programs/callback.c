/* callback.c -- calls its host back, which may call in again. */
#include <stdlib.h>

#ifdef __EMSCRIPTEN__
extern int host_call(int depth);
#else
__attribute__((import_module("env"), import_name("host_call"))) extern int host_call(int depth);
#endif

static void *kept[1000];
static int count;

static void *keep(int size) { return kept[count++] = malloc(size); }

int outer(int depth) {
  keep(10);
  int result = host_call(depth);
  keep(20);
  return result;
}

int inner(int size) { return keep(size) != 0; }
int quiet(int value) { return value; }

/* Allocates nothing itself, before and after. */
int relay(int depth) { return host_call(depth); }

/* Calls back below so many frames, which need no C stack; allocates nothing. */
static volatile int last;
int plunge(int frames, int depth) {
  last = frames == 0 ? host_call(depth) : plunge(frames - 1, depth);
  return last;
}

/* Allocates when told to, after the host was called or not. */
int choose(int size, int call) {
  if (call) host_call(0);
  return size ? keep(size) != 0 : 0;
}

/* Traps with 4 KiB of its own on the C stack. */
int crash(int value) {
  volatile char frame[4096];
  frame[value & 4095] = 1;
  if (frame[value & 4095]) __builtin_trap();
  return 0;
}

/* Calls back from the same frame, so many times. */
int repeat(int times) {
  int sum = 0;
  while (times-- > 0) sum += host_call(times);
  return sum;
}
