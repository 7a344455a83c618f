/* The pair of union-leak. expect: clean */
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
  variable.as.text = malloc(18);
}

static NOINLINE void run(void) {
  set_text();
  if (variable.kind == 1) free(variable.as.text);
  variable.kind = 0;
  variable.as.number = 12;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
