/* The pair of packed-pointer-leak. expect: clean */
#include "leaks.h"

struct __attribute__((packed)) record {
  char kind;
  char *text;
  char rest[7];
};

ROOT __attribute__((aligned(16))) struct record record;

static NOINLINE void run(void) {
  record.kind = 1;
  record.text = malloc(35);
  free(record.text);
  record.text = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
