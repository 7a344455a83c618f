/* The pair of strdup-leak. expect: clean */
#include "leaks.h"

static NOINLINE void run(void) {
  char *copy = strdup("twelve chars");
  char *part = strndup("twelve chars", 6);
  copy[0] = part[0];
  free(part);
  free(copy);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
