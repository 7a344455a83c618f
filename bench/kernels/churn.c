/* churn.c -- flat churn with a live set, after the idea of glibc-simple: a window of blocks, mostly small, in
 * which each step frees one at random and allocates another in its place. One call depth, two call sites.
 *
 * Scale: 100,000 replacements.
 */
#include "kernel.h"

#define WINDOW 1024

int run(int scale) {
  static unsigned char *blocks[WINDOW];
  static uint32_t sizes[WINDOW];
  uint32_t sum = 2166136261u, random = 0x9e3779b9u;
  for (uint32_t i = 0; i < (uint32_t)scale * 100000u; i++) {
    uint32_t r = next_random(&random), at = r % WINDOW;
    if (blocks[at]) {
      sum = mix(sum, read_stamp(blocks[at], sizes[at]));
      free(blocks[at]);
    }
    uint32_t size = 8 + (r >> 10 & ((r >> 30) ? 127 : 1023));
    unsigned char *block = malloc(size);
    if (!block) return -1;
    stamp(block, size, r);
    blocks[at] = block;
    sizes[at] = size;
  }
  for (uint32_t at = 0; at < WINDOW; at++) {
    free(blocks[at]);
    blocks[at] = NULL;
  }
  return (int)sum;
}
