/* entries.c -- three functions that obey orders: they allocate, free, call each other directly, by pointer and where
 * an exception of the callee may be caught, call JavaScript, and trap. entries.cpp is the same for Emscripten, in C++. */
#include <stdlib.h>

#if defined __EMSCRIPTEN__ && defined __cplusplus
#define IMPORT(name) extern "C"
#define EXPORT extern "C"
#elif defined __EMSCRIPTEN__
#define IMPORT(name) extern
#define EXPORT
#else
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) extern
#define EXPORT
#endif

/* Throwing, and JavaScript inside the module, for builds that have them. */
#ifndef GUARD
#define GUARD(call) call
#define THROW ((void)0)
#define SCRIPT(f, g) ((void)0)
#define LATER(f) ((void)0)
#endif

enum { RETURN, MALLOC, FREE, REALLOC, CALL, CALL_POINTER, CALL_GUARDED, VISIT, RUN_SCRIPT, COME_BACK, FAIL };

IMPORT(order) int order(void);
IMPORT(which) int which(void);
IMPORT(visit) void visit(void);

typedef void function(void);
EXPORT void a(void);
EXPORT void b(void);
EXPORT void c(void);

static function *const volatile functions[] = {a, b, c};
static void *kept[64];

EXPORT function *pointer_to(int n) { return functions[n % 3]; }

__attribute__((noinline)) static void guarded(function *f) { GUARD(f()); }

#define FUNCTION(name)                                                                \
  EXPORT __attribute__((noinline)) void name(void) {                                  \
    volatile char frame[32];                                                          \
    frame[0] = 1;                                                                     \
    for (int what; (what = order()) != RETURN;) {                                     \
      int n = which();                                                                \
      switch (what) {                                                                 \
        case MALLOC: kept[n % 64] = malloc(n); break;                                 \
        case FREE: free(kept[n % 64]); kept[n % 64] = NULL; break;                    \
        case REALLOC: kept[n % 64] = realloc(kept[n % 64], n + 1); break;             \
        case CALL: if (n % 3 == 0) a(); else if (n % 3 == 1) b(); else c(); break;    \
        case CALL_POINTER: functions[n % 3](); break;                                 \
        case CALL_GUARDED: guarded(functions[n % 3]); break;                          \
        case VISIT: visit(); break;                                                   \
        case RUN_SCRIPT: SCRIPT(functions[n % 3], functions[n / 3 % 3]); break;       \
        case COME_BACK: LATER(functions[n % 3]); break;                               \
        case FAIL: if (n % 2) __builtin_trap(); else THROW; break;                    \
      }                                                                               \
      frame[1] = (char)n;                                                             \
    }                                                                                 \
  }

FUNCTION(a)
FUNCTION(b)
FUNCTION(c)
