/* A hash table frees its buckets and itself but not the keys that it copied. */
#include "leaks.h"

struct entry {
  struct entry *next;
  char *key;
};

struct table {
  struct entry *buckets[4];
};

static NOINLINE void add(struct table *table, const char *key) {
  struct entry *entry = malloc(sizeof *entry);
  entry->key = malloc(8); /* expect: definite 6 blocks 48 bytes */
  strcpy(entry->key, key);
  unsigned slot = (unsigned char)key[0] % 4;
  entry->next = table->buckets[slot];
  table->buckets[slot] = entry;
}

static NOINLINE void destroy(struct table *table) {
  for (int i = 0; i < 4; i++) {
    struct entry *entry = table->buckets[i];
    while (entry != NULL) {
      struct entry *next = entry->next;
#ifdef FIXED
      free(entry->key);
#endif
      free(entry);
      entry = next;
    }
  }
  free(table);
}

static NOINLINE void run(void) {
  struct table *table = calloc(1, sizeof *table);
  const char *keys[] = {"ant", "bee", "cat", "dog", "eel", "fox"};
  for (int i = 0; i < 6; i++) add(table, keys[i]);
  destroy(table);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
