/* Leaks with stacks that every toolchain has to see alike: through main, recursion, callbacks and libc. */
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static void *make(int size) { return malloc(size); }
__attribute__((noinline)) static void *deep(int depth) { return depth == 0 ? make(16) : deep(depth - 1); }
__attribute__((noinline)) static int compare(const void *a, const void *b) {
  make(*(const int *)a > *(const int *)b ? 3 : 3);
  return 0;
}
__attribute__((noinline)) static void copy(const char *text) { strdup(text); }

__attribute__((noinline)) static void twice(void) {
  void *volatile block = malloc(4);
  free(block);
  free(block);
}

#ifdef WITH_ARGUMENTS
int main(int argc, char **argv) {
  make(argc + 1);
#else
int main(void) {
#endif
  make(8);
  deep(3);
  int numbers[] = {2, 1};
  qsort(numbers, 2, sizeof *numbers, compare);
  copy("text");
  twice();
  return 0;
}
