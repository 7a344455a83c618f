/* grow.c -- realloc growth: many byte vectors that grow side by side, some by half of their size, some by a few
 * bytes at a time (the string builder that everybody has written), then shrink to fit.
 *
 * Scale: 1,000 vectors, 64 at a time.
 */
#include "kernel.h"

#define SIDE_BY_SIDE 64

struct vector {
  unsigned char *bytes;
  uint32_t length, capacity;
};

static NOINLINE void append(struct vector *vector, uint32_t value, int frugal) {
  if (vector->length == vector->capacity) {
    uint32_t capacity = frugal ? vector->capacity + 24 : vector->capacity + vector->capacity / 2 + 16;
    unsigned char *bytes = realloc(vector->bytes, capacity);
    if (!bytes) abort();
    vector->bytes = bytes;
    vector->capacity = capacity;
  }
  vector->bytes[vector->length++] = (unsigned char)value;
}

int run(int scale) {
  uint32_t sum = 2166136261u, random = 0xcafef00du;
  for (uint32_t done = 0; done < (uint32_t)scale * 1000u; done += SIDE_BY_SIDE) {
    struct vector vectors[SIDE_BY_SIDE];
    memset(vectors, 0, sizeof vectors);
    uint32_t longest = 200 + (next_random(&random) & 1023);
    for (uint32_t step = 0; step < longest; step++)
      for (uint32_t i = 0; i < SIDE_BY_SIDE; i++)
        if (step <= longest * (i + 1) / SIDE_BY_SIDE) append(&vectors[i], step + i, (i & 3) == 0);
    for (uint32_t i = 0; i < SIDE_BY_SIDE; i++) {
      vectors[i].bytes = realloc(vectors[i].bytes, vectors[i].length);
      for (uint32_t k = 0; k < vectors[i].length; k += 7) sum = mix(sum, vectors[i].bytes[k]);
      free(vectors[i].bytes);
    }
  }
  return (int)sum;
}
