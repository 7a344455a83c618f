/* Joining strings pairwise: each intermediate result but the last is dropped. */
#include "leaks.h"

static NOINLINE char *join(const char *a, const char *b) {
  char *joined = malloc(strlen(a) + strlen(b) + 1); /* expect: definite 2 blocks 12 bytes */
  strcpy(joined, a);
  strcat(joined, b);
  return joined;
}

static NOINLINE void run(void) {
  char *text = join("one", "1");
  text = join(text, "22");
  text = join(text, "333");
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
