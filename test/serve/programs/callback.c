/* callback.c -- C that calls back into its host, which calls C again. */
#include <stdlib.h>
#include <string.h>

__attribute__((import_module("host"), import_name("visit"))) void visit(int depth);

static char *kept[64];
static int count;

void store(int size) { kept[count++ % 64] = malloc(size); }

/* Allocates at every level, with the host in between. */
void descend(int depth) {
  store(100 + depth);
  if (depth > 0) visit(depth);
}

int pure(int a, int b) { return a + b; }
