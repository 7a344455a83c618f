/* sizes.c -- size mixes, after the idea of mstress: sizes by a power law from 8 bytes to 64 KB, lifetimes from
 * none to the whole run, a large live set that grows and shrinks, calloc and aligned blocks among them.
 *
 * Scale: 100,000 allocations.
 */
#include "kernel.h"

#define LIVE 8192

struct entry {
  unsigned char *block;
  uint32_t size;
};

static NOINLINE unsigned char *allocate(uint32_t r, uint32_t size) {
  if ((r & 31) == 0) return calloc(1, size);
  if ((r & 31) == 1) return aligned_alloc(64, (size + 63) & ~63u);
  return malloc(size);
}

int run(int scale) {
  static struct entry entries[LIVE];
  uint32_t sum = 2166136261u, random = 0xdeadbeefu, live = 0;
  for (uint32_t i = 0; i < (uint32_t)scale * 100000u; i++) {
    uint32_t r = next_random(&random);
    /* Each further bit halves the odds and doubles the size. */
    uint32_t magnitude = (uint32_t)__builtin_ctz(r | 1u << 13);
    uint32_t size = (8u << magnitude) + ((r >> 14) & ((8u << magnitude) - 1));
    unsigned char *block = allocate(r >> 20, size);
    if (!block) return -1;
    stamp(block, size, i);
    /* The live set swells and ebbs with a period of 65,536 allocations. */
    uint32_t aim = i & 32768 ? LIVE / 8 : LIVE;
    if (live < aim) {
      entries[live++] = (struct entry){block, size};
      continue;
    }
    uint32_t drops = live > aim ? 2 : 1;
    sum = mix(sum, read_stamp(block, size));
    for (uint32_t d = 0; d < drops && live > 0; d++) {
      uint32_t at = next_random(&random) % live;
      sum = mix(sum, read_stamp(entries[at].block, entries[at].size));
      free(entries[at].block);
      entries[at] = entries[--live];
    }
    if (r & 0x10000000) {
      entries[live++] = (struct entry){block, size};
    } else {
      free(block);
    }
  }
  while (live > 0) free(entries[--live].block);
  return (int)sum;
}
