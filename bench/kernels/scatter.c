/* scatter.c -- worse than any program: every block is allocated 200 frames deep, and the last twelve frames are drawn at
 * random from four call sites each. A block needs some seven new contexts, scattered over the whole tree. deep.c, like
 * real recursion, goes through the tree in order.
 *
 * Scale: 10,000 blocks. Blocks live in a window of 512, then are freed.
 */
#include "kernel.h"

#define DEPTH 200
#define WINDOW 512

static unsigned char *blocks[WINDOW];
static uint32_t sum, random_state, count, limit;

static NOINLINE void leaf(uint32_t depth) {
  uint32_t at = count++ % WINDOW, size = 16 + (depth & 63);
  if (blocks[at]) {
    sum = mix(sum, blocks[at][0]);
    free(blocks[at]);
  }
  blocks[at] = malloc(size);
  if (!blocks[at]) abort();
  stamp(blocks[at], size, count);
}

/* An empty statement that differs at each place: it keeps the compiler from folding the four calls into one. */
#define PLACE(n) __asm__ volatile("" : : "i"(n))

/* Four ways down. Above the last twelve levels there is only one way. Contexts therefore differ by the path of the last
 * levels, and a block costs a few new nodes, as in a parser or an interpreter. */
static NOINLINE void descend(uint32_t depth) {
  if (depth >= DEPTH) {
    leaf(depth);
    return;
  }
  if (depth < DEPTH - 12) {
    while (count < limit) descend(depth + 1);
    return;
  }
  switch (next_random(&random_state) >> 9 & 3) {
    case 0: PLACE(0); descend(depth + 1); PLACE(1); break;
    case 1: PLACE(2); descend(depth + 1); PLACE(3); break;
    case 2: PLACE(4); descend(depth + 1); PLACE(5); break;
    default: PLACE(6); descend(depth + 1); PLACE(7); break;
  }
}

int run(int scale) {
  sum = 2166136261u;
  random_state = 0x2545f491u;
  count = 0;
  limit = (uint32_t)scale * 10000u;
  descend(0);
  for (uint32_t at = 0; at < WINDOW; at++) {
    free(blocks[at]);
    blocks[at] = NULL;
  }
  return (int)sum;
}
