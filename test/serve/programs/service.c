/* service.c -- what the served sandboxes run: blocks that stay, blocks that go, contexts in any number. */
#include <stdlib.h>
#include <string.h>

static void *kept[1 << 16];
static unsigned count;

void keep(int size) {
  kept[count++ & 0xffff] = malloc(size);
}

/* Allocates and frees as much as the text takes. */
unsigned measure(const char *text) {
  char *copy = strdup(text);
  unsigned length = strlen(copy);
  free(copy);
  return length;
}

int churn(int times) {
  int sum = 0;
  for (int i = 0; i < times; i++) {
    char *block = malloc(64 + i % 64);
    block[0] = (char)i;
    sum += block[0];
    free(block);
  }
  return sum;
}

void clear(void) {
  for (unsigned i = 0; i < 1 << 16; i++) {
    free(kept[i]);
    kept[i] = 0;
  }
  count = 0;
}

/* A tree of calls: every path from the root to a leaf is a context of its own. */
static void branch(int depth, unsigned path);
static void left(int depth, unsigned path) { branch(depth - 1, path * 2); }
static void right(int depth, unsigned path) { branch(depth - 1, path * 2 + 1); }
static void branch(int depth, unsigned path) {
  if (depth == 0) {
    keep(16 + path % 48);
    return;
  }
  left(depth, path);
  right(depth, path);
}

void contexts(int depth) { branch(depth, 0); }

/* Work that no memory is needed for, so that it is C that a CPU profile shows. */
unsigned spin(int times) {
  unsigned state = 1;
  for (int i = 0; i < times * 1000; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
  }
  return state;
}

/* Loses a block, and with it the block that only it points to. */
void lose(int size) {
  void **block = malloc(sizeof *block);
  *block = malloc(size);
}
