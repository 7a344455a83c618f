/* callbacks.c -- hands function pointers to functions of the host's, as libraries do that call back. */
#include <stdlib.h>

#ifdef __EMSCRIPTEN__
#define IMPORT(name) extern
#else
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) extern
#endif

typedef long long callback(int size, long long twice, double third);

IMPORT(each) void each(callback *f, int times);
IMPORT(later) void later(callback *f);

static void *kept[1000];
static int count;
static long long keep(int size, long long twice, double third) {
  kept[count++ % 1000] = malloc(size + (int)twice + (int)third);
  return twice + 1;
}
static long long fails(int size, long long twice, double third) {
  volatile char frame[5000];
  frame[0] = (char)(size + twice + (int)third);
  __builtin_trap();
}
static void *no_arguments(void) { return malloc(3); }

void now(int times) { each(keep, times); }
void hand_over(void) { later(keep); }
callback *keeper(void) { return keep; }
callback *failing(void) { return fails; }
callback *nowhere(void) { return NULL; }
void *(*simple(void))(void) { return no_arguments; }
int exported(int n) { return n + 1; }
int (*exported_pointer(void))(int) { return exported; }
