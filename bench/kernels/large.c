/* large.c -- large blocks: 32 KB to 4 MB, a dozen live at a time, malloc, calloc and realloc, one byte in
 * every 4 KB touched.
 *
 * Scale: 1,000 blocks.
 */
#include "kernel.h"

#define LIVE 12

int run(int scale) {
  unsigned char *blocks[LIVE] = {0};
  uint32_t sizes[LIVE] = {0};
  uint32_t sum = 2166136261u, random = 0xfeedfaceu;
  for (uint32_t i = 0; i < (uint32_t)scale * 1000u; i++) {
    uint32_t r = next_random(&random), at = r % LIVE;
    uint32_t size = (32768u << (r >> 8 & 7)) * 8 / (8 + (r >> 12 & 7));
    if (blocks[at] && (r >> 16 & 3) == 0) {
      unsigned char *moved = realloc(blocks[at], size);
      if (!moved) return -1;
      blocks[at] = moved;
      sum = mix(sum, blocks[at][0]);
      if (sizes[at] > size) sizes[at] = size;
    } else {
      if (blocks[at]) {
        for (uint32_t k = 0; k < sizes[at]; k += 65536) sum = mix(sum, blocks[at][k]);
        free(blocks[at]);
      }
      blocks[at] = (r >> 16 & 3) == 1 ? calloc(size, 1) : malloc(size);
      if (!blocks[at]) return -1;
    }
    for (uint32_t k = 0; k < size; k += 4096) blocks[at][k] = (unsigned char)(r + k);
    sizes[at] = size;
  }
  for (uint32_t at = 0; at < LIVE; at++) free(blocks[at]);
  return (int)sum;
}
