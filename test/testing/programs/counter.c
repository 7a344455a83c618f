/* A library with state of every kind, to test that tests are isolated from each other. */
#include <stdio.h>
#include <stdlib.h>

static int count;
static char *kept;

int bump(void) {
  return ++count;
}

/* The address shows what was allocated before. */
char *keep(int size) {
  kept = realloc(kept, size);
  return kept;
}

void lose(int size) {
  void *volatile lost = malloc(size);
  lost = NULL;
}

/* Appends a line to a file. Returns how many bytes it has then. */
long note(void) {
  FILE *file = fopen("/notes", "a");
  if (file == NULL) return -1;
  fputs("noted\n", file);
  long size = ftell(file);
  fclose(file);
  return size;
}

void trap(void) {
  bump();
  __builtin_trap();
}
