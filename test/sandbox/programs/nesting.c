/* nesting.c -- three functions that do what their host tells them: allocate, free, call each other, call back, fail. */
#include <stdlib.h>

#ifdef __EMSCRIPTEN__
#define IMPORT(name) extern
#else
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) extern
#endif

enum { RETURN, MALLOC, FREE, REALLOC, CALL_A, CALL_B, CALL_C, VISIT, TRAP, EXIT };

IMPORT(order) int order(void);
IMPORT(argument) unsigned argument(void);
IMPORT(result) void result(void *pointer);
IMPORT(visit) void visit(void);

#define FUNCTION(name)                                            \
  __attribute__((noinline)) void name(void) {                     \
    for (int what; (what = order()) != RETURN;) {                 \
      switch (what) {                                             \
        case MALLOC: result(malloc(argument())); break;           \
        case FREE: free((void *)argument()); break;               \
        case REALLOC: {                                           \
          void *pointer = (void *)argument();                     \
          result(realloc(pointer, argument()));                   \
          break;                                                  \
        }                                                         \
        case CALL_A: a(); break;                                  \
        case CALL_B: b(); break;                                  \
        case CALL_C: c(); break;                                  \
        case VISIT: visit(); break;                               \
        case TRAP: __builtin_trap();                              \
        case EXIT: exit(3);                                       \
      }                                                           \
    }                                                             \
  }

void a(void);
void b(void);
void c(void);
FUNCTION(a)
FUNCTION(b)
FUNCTION(c)

/* What JavaScript enters through the table by. */
typedef void function(void);
function *pointer_to(int which) {
  static function *const functions[] = {a, b, c};
  return functions[which];
}
