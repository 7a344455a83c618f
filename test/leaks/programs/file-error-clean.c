/* The pair of file-error-leak. expect: clean */
#include "leaks.h"

static NOINLINE int load(const char *name) {
  char *path = malloc(64);
  snprintf(path, 64, "/no/such/folder/%s", name);
  FILE *file = fopen(path, "r");
  free(path);
  if (file == NULL) return -1;
  fclose(file);
  return 0;
}

static NOINLINE void run(void) {
  load("data.txt");
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
