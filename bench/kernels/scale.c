/* scale.c -- the cost of an allocation as a program grows, one dimension at a time (see measures/scale.ts).
 *
 *   fill(n, bytes), replace(steps)            n live blocks; free one at random and allocate another in its place
 *   visit_all(n), visit(n, steps)             n calling contexts, all 20 frames deep: each once, then at random
 *   bottom(depth, pairs)                      malloc and free at the bottom of a deep stack, which stays
 *   descend(depth, times)                     down the stack, one malloc and free, and up again
 *
 * Each returns a checksum that is the same in every build.
 */
#include "kernel.h"

static unsigned char **blocks;
static uint32_t live, block_bytes, random_state;

/* A block begins with a pointer to another block, so that a leak scan has something to follow. */
static void write_block(uint32_t at, uint32_t other) {
  unsigned char *block = malloc(block_bytes);
  if (!block) abort();
  *(unsigned char **)block = other == at ? block : blocks[other];
  block[block_bytes - 1] = (unsigned char)at;
  blocks[at] = block;
}

/* A random number below n. */
static uint32_t below(uint32_t n) { return (uint32_t)((uint64_t)next_random(&random_state) * n >> 32); }

int fill(int n, int bytes) {
  live = (uint32_t)n;
  block_bytes = (uint32_t)bytes;
  random_state = 0x9e3779b9u;
  blocks = malloc(live * sizeof *blocks);
  if (!blocks) abort();
  for (uint32_t at = 0; at < live; at++) write_block(at, at ? below(at) : 0);
  return n;
}

int replace(int steps) {
  uint32_t sum = 2166136261u;
  for (int step = 0; step < steps; step++) {
    uint32_t at = below(live);
    sum = mix(sum, blocks[at][block_bytes - 1]);
    free(blocks[at]);
    write_block(at, at);
  }
  return (int)sum;
}

/* The array of the blocks: a root from which all blocks can be reached. */
unsigned char **all_blocks(void) { return blocks; }

static NOINLINE uint32_t allocate_once(uint32_t value) {
  unsigned char *block = malloc(16);
  if (!block) abort();
  stamp(block, 16, value);
  uint32_t read = read_stamp(block, 16);
  free(block);
  return read;
}

/* An empty statement that differs at each place: it keeps the compiler from folding the two calls into one. */
#define PLACE(n) __asm__ volatile("" : : "i"(n))

/* Follows one of two call sites at each level, by the bits of `context`, highest first: neighbours share most frames. */
static NOINLINE uint32_t follow(uint32_t context, uint32_t level) {
  if (level == 0) return allocate_once(context);
  uint32_t sum;
  if (context >> (level - 1) & 1) {
    PLACE(0);
    sum = follow(context, level - 1);
    PLACE(1);
  } else {
    PLACE(2);
    sum = follow(context, level - 1);
    PLACE(3);
  }
  return mix(sum, level); /* a last call would become a loop */
}

#define LEVELS 20

int visit_all(int n) {
  uint32_t sum = 2166136261u;
  for (uint32_t context = 0; context < (uint32_t)n; context++) sum = mix(sum, follow(context, LEVELS));
  return (int)sum;
}

int visit(int n, int steps) {
  uint32_t sum = 2166136261u;
  random_state = 0x2545f491u;
  for (int step = 0; step < steps; step++) sum = mix(sum, follow(below((uint32_t)n), LEVELS));
  return (int)sum;
}

static NOINLINE uint32_t go_down(uint32_t depth, uint32_t pairs) {
  uint32_t sum = 2166136261u;
  if (depth > 1) {
    sum = go_down(depth - 1, pairs);
  } else {
    for (uint32_t pair = 0; pair < pairs; pair++) sum = mix(sum, allocate_once(pair));
  }
  return mix(sum, depth);
}

int bottom(int depth, int pairs) { return (int)go_down((uint32_t)depth, (uint32_t)pairs); }

int descend(int depth, int times) {
  uint32_t sum = 2166136261u;
  for (int i = 0; i < times; i++) sum = mix(sum, go_down((uint32_t)depth, 1));
  return (int)sum;
}
