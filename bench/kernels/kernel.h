/* kernel.h -- the parts that the allocation kernels share: a generator and a checksum.
 *
 * Every kernel is one file that exports `int run(int scale)`. The result is a checksum of the contents that it read from
 * its blocks, and must be the same in every build (32 or 64 bit, any allocator, tracked or not). Therefore it never
 * depends on an address or on the size of a pointer. A kernel frees all blocks that it allocated, so that it can run
 * again in the same process.
 */
#ifndef HEAPLINE_BENCH_KERNEL_H
#define HEAPLINE_BENCH_KERNEL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

/* xorshift32 (Marsaglia, "Xorshift RNGs", 2003): small, fast, the same everywhere. */
static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* One step of FNV-1a over a whole word. */
static inline uint32_t mix(uint32_t sum, uint32_t value) { return (sum ^ value) * 16777619u; }

/* The block is written at both ends: if an allocator hands out too little, or the same block twice, the checksum
 * changes. */
static inline void stamp(unsigned char *block, uint32_t size, uint32_t value) {
  block[0] = (unsigned char)value;
  block[size - 1] = (unsigned char)(value >> 8);
}
static inline uint32_t read_stamp(const unsigned char *block, uint32_t size) {
  return (uint32_t)block[0] | (uint32_t)block[size - 1] << 8;
}

int run(int scale);

#endif
