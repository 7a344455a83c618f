/* A variant of a union owns memory; the program sets another variant over it and loses the pointer. */
#include "leaks.h"

struct value {
  int kind;
  union {
    char *text;
    intptr_t number;
  } as;
};

ROOT struct value variable;

static NOINLINE void set_text(void) {
  variable.kind = 1;
  variable.as.text = malloc(18); /* expect: definite 1 block 18 bytes */
}

static NOINLINE void run(void) {
  set_text();
#ifdef FIXED
  if (variable.kind == 1) free(variable.as.text);
#endif
  variable.kind = 0;
  variable.as.number = 12;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
