/* Strings are joined pairwise: each intermediate result but the last is dropped.
 * Fixed: each step frees the string that it replaces. */
#include "leaks.h"

#ifdef FIXED
static NOINLINE char *append(char *text, const char *more) {
  char *joined = malloc(strlen(text) + strlen(more) + 1);
  strcpy(joined, text);
  strcat(joined, more);
  free(text);
  return joined;
}
#else
static NOINLINE char *join(const char *a, const char *b) {
  char *joined = malloc(strlen(a) + strlen(b) + 1); /* expect: definite 2 blocks 12 bytes */
  strcpy(joined, a);
  strcat(joined, b);
  return joined;
}
#endif

static NOINLINE void run(void) {
#ifdef FIXED
  char *text = malloc(4);
  strcpy(text, "one");
  text = append(text, "1");
  text = append(text, "22");
  text = append(text, "333");
#else
  char *text = join("one", "1");
  text = join(text, "22");
  text = join(text, "333");
#endif
  free(text);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
