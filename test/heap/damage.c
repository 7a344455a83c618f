/* damage.c -- a heap with something of everything that the runtime keeps, to be written over. */
#include <stdlib.h>
#include <string.h>

struct cell {
  struct cell *next;
  char text[24];
};

static struct cell *list;
static void *kept[600];
static int count;
static char *inside;

static void *keep(size_t size) { return kept[count++ % 600] = malloc(size); }

/* One context after the other, each with more than eight children: wide nodes. */
static void wide(int which, int depth) {
  if (depth == 0) {
    keep(24 + which);
    return;
  }
  switch (which % 12) {
    case 0: wide(which + 1, depth - 1); break;
    case 1: wide(which + 2, depth - 1); break;
    case 2: wide(which + 3, depth - 1); break;
    case 3: wide(which + 5, depth - 1); break;
    case 4: wide(which + 7, depth - 1); break;
    case 5: wide(which + 8, depth - 1); break;
    case 6: wide(which + 9, depth - 1); break;
    case 7: wide(which + 10, depth - 1); break;
    case 8: wide(which + 11, depth - 1); break;
    case 9: wide(which + 4, depth - 1); break;
    case 10: wide(which + 6, depth - 1); break;
    default: wide(which + 13, depth - 1); break;
  }
}

/* Every way through it is new: buds. */
static void branch(int depth, int way) {
  if (depth == 0) {
    keep(8 + (way & 31));
    return;
  }
  if (way & 1)
    branch(depth - 1, way >> 1);
  else
    branch(depth - 1, way >> 1);
}

static void deep(int depth) {
  if (depth > 0)
    deep(depth - 1);
  else
    keep(40);
}

void build(int large) {
  for (int i = 0; i < 40; i++) {
    struct cell *cell = malloc(sizeof *cell);
    cell->next = list;
    list = cell;
  }
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 24; i++) wide(i, 1 + i % 4);
  for (int i = 0; i < 48; i++) branch(6, i * 5);
  deep(60);
  for (int size = 16; size <= 8192; size += size / 4 + 8) keep(size);
  /* Temporary blocks, freed ones in all sizes, and free pages between those in use. */
  for (int i = 0; i < 30; i++) free(malloc(50 + i));
  for (int i = 0; i < 40; i++) free(kept[i * 3]), kept[i * 3] = 0;
  void *pages[6];
  for (int i = 0; i < 6; i++) pages[i] = malloc(12000 + 4096 * i);
  for (int i = 0; i < 6; i += 2) free(pages[i]);
  free(pages[1]);
  kept[1] = pages[3];
  kept[2] = pages[5];
  /* Lost, possibly lost, indirectly lost. */
  char *volatile lost = malloc(33);
  lost = malloc(34);
  inside = (char *)malloc(100) + 40;
  struct cell *pair = malloc(sizeof *pair);
  pair->next = malloc(sizeof *pair);
  pair->next->next = 0;
  lost = 0;
  pair = 0;
  /* Misuse, and an allocation that fails. */
  char *twice = malloc(21);
  free(twice);
  free(twice);
  free(inside);
  (void)!malloc((size_t)-2);
  if (large)
    for (int i = 0; i < large; i++) {
      struct cell *cell = calloc(1, 200 + i % 64);
      cell->next = i % 3 ? list : 0;
      list = cell;
    }
}

/* Allocates and frees; looks at no memory that anybody may have written over. */
int work(int seed) {
  void *mine[32] = {0};
  for (int i = 0; i < 96; i++) {
    int at = (seed + i * 7) & 31;
    free(mine[at]);
    mine[at] = malloc((seed * 31 + i * 977) % (i % 8 ? 600 : 20000));
    if (i % 16 == 5) mine[at] = realloc(mine[at], 3000);
  }
  branch(7, seed);
  wide(seed & 63, 3);
  for (int i = 0; i < 32; i++) free(mine[i]);
  return 1;
}
