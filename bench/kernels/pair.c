/* pair.c -- flat churn in its purest form: one block allocated, touched and freed at once, sizes 16 to 528.
 *
 * The time per iteration is what the tables call "one malloc+free". Scale: 100,000 pairs.
 */
#include "kernel.h"

int run(int scale) {
  uint32_t sum = 2166136261u;
  for (uint32_t i = 0; i < (uint32_t)scale * 100000u; i++) {
    uint32_t size = 16 + (i * 7 & 511);
    unsigned char *block = malloc(size);
    if (!block) return -1;
    stamp(block, size, i);
    sum = mix(sum, read_stamp(block, size));
    free(block);
  }
  return (int)sum;
}
