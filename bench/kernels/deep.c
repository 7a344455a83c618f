/* deep.c -- deep recursion with distinct contexts: a depth-first walk some 200 frames deep through a tree of calls,
 * four call sites to a level, with a block at every leaf, so that no two blocks share a context.
 *
 * Scale: 10,000 blocks. Blocks live in a window of 512, then are freed.
 */
#include "kernel.h"

#define DEPTH 200
#define LEVELS 10 /* levels that branch: 4^10 leaves at most */
#define WINDOW 512

static unsigned char *blocks[WINDOW];
static uint32_t sum, count, limit;

static NOINLINE void leaf(uint32_t depth) {
  uint32_t at = count++ % WINDOW, size = 16 + (depth + count & 63);
  if (blocks[at]) {
    sum = mix(sum, blocks[at][0]);
    free(blocks[at]);
  }
  blocks[at] = malloc(size);
  if (!blocks[at]) abort();
  stamp(blocks[at], size, count);
}

static NOINLINE void descend(uint32_t depth) {
  if (count >= limit) return;
  if (depth == DEPTH) {
    leaf(depth);
    return;
  }
  descend(depth + 1);
  if (depth < DEPTH - LEVELS) return;
  descend(depth + 1);
  sum += depth;
  descend(depth + 1);
  sum ^= depth;
  descend(depth + 1);
  sum += 1; /* a last call would become a loop, and share its context */
}

int run(int scale) {
  sum = 2166136261u;
  count = 0;
  limit = (uint32_t)scale * 10000u;
  descend(0);
  for (uint32_t at = 0; at < WINDOW; at++) {
    free(blocks[at]);
    blocks[at] = NULL;
  }
  return (int)sum;
}
