/* tree.c -- a binary tree of calls, each leaf and each inner call allocating: 2^(depth+1)-1 contexts. */
#include <stdlib.h>
#include <string.h>

static void *kept[1 << 17];
static int count;

static int grow(int depth) {
  kept[count++] = malloc(depth + 1);
  if (depth == 0) return 1;
  volatile int left = grow(depth - 1);
  volatile int right = grow(depth - 1);
  return left + right;
}

int tree(int depth) { return grow(depth); }
void prune(void) {
  for (int i = 0; i < count; i += 2) free(kept[i]), kept[i] = 0;
}
void scribble(unsigned address, int bytes) { memset((void *)address, 0x5a, bytes); }
