/* Heaps that the leak scan searches. `build` makes one from blocks with typical contents: a quarter of the words are
 * pointers to other blocks, the rest small numbers. Most blocks are reachable through a list, or lost with it. */
#include <stdint.h>
#include <stdlib.h>

static void **head;

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  return *state ^= *state << 5;
}

/* Returns the number of bytes in use, 0 when memory ran out. `keep`: hold the list, or lose it. */
double build(int blocks, int size, int keep) {
  void ***all = malloc(blocks * sizeof *all);
  if (all == NULL) return 0;
  uint32_t state = 1;
  for (int i = 0; i < blocks; i++) {
    all[i] = malloc(size);
    if (all[i] == NULL) return 0;
  }
  for (int i = 0; i < blocks; i++) {
    all[i][0] = i + 1 < blocks ? all[i + 1] : NULL;
    for (int word = 1; word < size / 4; word++) {
      uint32_t value = next_random(&state);
      all[i][word] = word % 4 == 0 ? (void *)all[value % blocks] : (void *)(uintptr_t)(value >> 16);
    }
  }
  head = keep ? all[0] : NULL;
  free(all);
  return (double)blocks * size;
}
