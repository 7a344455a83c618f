/* A library to test matchers on: each function treats the heap in one way. */
#include <stdlib.h>
#include <string.h>

static char *cache;
static struct entry {
  struct entry *next;
} *entries;
static char *freed;

/* Frees all it takes: 100 bytes at most, 150 altogether. */
int clean(void) {
  char *small = malloc(50);
  free(small);
  char *large = malloc(100);
  if (large == NULL) return -1;
  free(large);
  return 7;
}

void leak(int size) {
  void *volatile lost = malloc(size);
  lost = NULL;
}

void *make(int size) {
  return malloc(size);
}

void destroy(void *block) {
  free(block);
}

/* Takes memory once and keeps it. */
void fill_cache(void) {
  if (cache == NULL) cache = malloc(1000);
}

/* Keeps a little more each time. */
void append(void) {
  struct entry *entry = malloc(24);
  entry->next = entries;
  entries = entry;
}

void free_twice(void) {
  freed = malloc(8);
  free(freed);
  free(freed);
}

void crash(void) {
  char *volatile block = malloc(33);
  block[0] = 1;
  __builtin_trap();
}
