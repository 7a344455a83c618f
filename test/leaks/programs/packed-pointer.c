/* A packed record has a pointer at an odd address: checkers look only at aligned words, so the block is lost to them. */
#include "leaks.h"

struct __attribute__((packed)) record {
  char kind;
  char *text;
  char rest[7];
};

ROOT __attribute__((aligned(16))) struct record record;

static NOINLINE void run(void) {
  record.kind = 1;
  record.text = malloc(35); /* expect: definite 1 block 35 bytes */
#ifdef FIXED
  free(record.text);
  record.text = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
