/* cubes.c -- two-level logic minimisation, after the idea of espresso: covers are lists of small cubes in blocks
 * of their own, and whole lists come and go with every step. Finds the prime implicants of random functions of
 * nine variables by the Quine-McCluskey method.
 *
 * Scale: 10 functions.
 */
#include "kernel.h"

#define VARIABLES 9
#define BUCKETS 1024

struct cube {
  uint32_t values, mask; /* bit of `mask` set: the variable does not matter */
  int merged;
  struct cube *next;
};

struct cover {
  struct cube **buckets;
  uint32_t cubes;
};

static NOINLINE struct cover *new_cover(void) {
  struct cover *cover = malloc(sizeof *cover);
  if (!cover) abort();
  cover->buckets = calloc(BUCKETS, sizeof *cover->buckets);
  if (!cover->buckets) abort();
  cover->cubes = 0;
  return cover;
}

static struct cube *find(const struct cover *cover, uint32_t values, uint32_t mask) {
  struct cube *cube = cover->buckets[(values * 31 + mask * 17) % BUCKETS];
  while (cube && (cube->values != values || cube->mask != mask)) cube = cube->next;
  return cube;
}

static NOINLINE void insert(struct cover *cover, uint32_t values, uint32_t mask) {
  if (find(cover, values, mask)) return;
  struct cube *cube = malloc(sizeof *cube);
  if (!cube) abort();
  struct cube **bucket = &cover->buckets[(values * 31 + mask * 17) % BUCKETS];
  *cube = (struct cube){values, mask, 0, *bucket};
  *bucket = cube;
  cover->cubes++;
}

/* Frees a cover, and adds the primes (cubes that merged with no other) to the checksum, independent of order. */
static NOINLINE uint32_t retire(struct cover *cover, uint32_t *primes) {
  uint32_t sum = 0;
  for (uint32_t b = 0; b < BUCKETS; b++)
    for (struct cube *cube = cover->buckets[b], *next; cube; cube = next) {
      next = cube->next;
      if (!cube->merged) {
        sum += mix(mix(2166136261u, cube->values), cube->mask);
        ++*primes;
      }
      free(cube);
    }
  free(cover->buckets);
  free(cover);
  return sum;
}

static NOINLINE struct cover *merge(struct cover *cover) {
  struct cover *wider = new_cover();
  for (uint32_t b = 0; b < BUCKETS; b++)
    for (struct cube *cube = cover->buckets[b]; cube; cube = cube->next)
      for (uint32_t bit = 1; bit < 1u << VARIABLES; bit <<= 1) {
        if (cube->mask & bit) continue;
        struct cube *other = find(cover, cube->values ^ bit, cube->mask);
        if (!other) continue;
        cube->merged = other->merged = 1;
        insert(wider, cube->values & ~bit, cube->mask | bit);
      }
  return wider;
}

int run(int scale) {
  uint32_t sum = 2166136261u, random = 0x0badcafeu;
  for (int function = 0; function < scale * 10; function++) {
    struct cover *cover = new_cover();
    uint32_t primes = 0;
    for (uint32_t minterm = 0; minterm < 1u << VARIABLES; minterm++)
      if (next_random(&random) % 4) insert(cover, minterm, 0);
    while (cover->cubes > 0) {
      struct cover *wider = merge(cover);
      sum = mix(sum, retire(cover, &primes));
      cover = wider;
    }
    retire(cover, &primes);
    sum = mix(sum, primes);
  }
  return (int)sum;
}
