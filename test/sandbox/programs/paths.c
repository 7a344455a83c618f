/* paths.c -- allocates below a path of calls that its argument spells, one bit a call: contexts in any number, most of
 * them met once or twice. */
#include <stdlib.h>

static void *blocks[1 << 12];
static int count;

__attribute__((noinline)) static void keep(int size) { blocks[count++] = malloc(size); }

#define STEP(name)                                                       \
  __attribute__((noinline)) void name(unsigned path, int depth, int size) { \
    if (depth == 0) keep(size);                                          \
    else if (path & 1) odd(path >> 1, depth - 1, size);                  \
    else even(path >> 1, depth - 1, size);                               \
  }

void odd(unsigned path, int depth, int size);
void even(unsigned path, int depth, int size);
STEP(odd)
STEP(even)

void drop(int block) { free(blocks[block]); }
