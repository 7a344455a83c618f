/* traffic.c -- allocates in every way that C has, each at a line of its own, and keeps, loses and hides what it gets. */
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define SLOTS 256

static void *slots[SLOTS];

EXPORT(address) void *address(int slot) { return slots[slot]; }

/* Returns whether there is a block in the slot now. */
EXPORT(make) int make(int slot, int way, unsigned size) {
  void *block = 0;
  switch (way) {
    case 0: block = malloc(size); break;
    case 1: block = calloc(size, 3); break;
    case 2: block = realloc(0, size); break;
    case 3: block = aligned_alloc(64, (size + 63) & ~63u); break;
    default: posix_memalign(&block, 32, size);
  }
  slots[slot] = block;
  if (block) memset(block, way + 1, size);
  return block != 0;
}

EXPORT(resize) int resize(int slot, unsigned size) {
  void *block = realloc(slots[slot], size);
  if (block) slots[slot] = block;
  return block != 0;
}

EXPORT(drop) void drop(int slot) {
  free(slots[slot]);
  slots[slot] = 0;
}

struct node {
  struct node *next;
  char *text;
};

static struct node *list;
static char *middle;
static struct node *volatile lost;

__attribute__((noinline)) static char *text(int size) { return memset(malloc(size), 'x', size); }

__attribute__((noinline)) static struct node *link(struct node *next, int size) {
  struct node *node = malloc(sizeof *node);
  node->next = next;
  node->text = text(size);
  return node;
}

/* A list that is kept, a list that is lost, and a block of which only the middle is known. */
EXPORT(structures) void structures(int count) {
  for (int i = 0; i < count; i++) list = link(list, i + 20);
  struct node *other = 0;
  for (int i = 0; i < count; i++) other = link(other, i + 40);
  lost = other;
  lost = 0;
  middle = (char *)realloc(calloc(10, 10), 5000) + 2000;
  for (int i = 0; i < count / 2; i++) {
    struct node *first = list;
    list = first->next;
    free(first->text);
    free(first);
  }
}
