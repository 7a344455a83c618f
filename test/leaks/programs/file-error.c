/* Opening a file fails, and the path that was made for it is forgotten. */
#include "leaks.h"

static NOINLINE int load(const char *name) {
  char *path = malloc(64); /* expect: definite 1 block 64 bytes */
  snprintf(path, 64, "/no/such/folder/%s", name);
  FILE *file = fopen(path, "r");
#ifdef FIXED
  free(path);
#endif
  if (file == NULL) return -1;
  fclose(file);
#ifndef FIXED
  free(path);
#endif
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
