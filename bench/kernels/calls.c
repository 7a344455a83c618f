/* calls.c -- no allocation, but calls that could allocate: the pure price of a slot. Every call below can reach malloc
 * (through `spill`, which never happens), so all of them must be instrumented. A third of them are indirect. The bodies
 * do next to nothing, which is the worst case for the price in per cent.
 *
 * Scale: 100,000 evaluations of a small expression tree (some 25 calls each).
 */
#include "kernel.h"

typedef uint32_t (*operation)(uint32_t, uint32_t);

static void *spilled;

static NOINLINE void spill(void) { spilled = realloc(spilled, 64); }

static NOINLINE uint32_t plus(uint32_t a, uint32_t b) {
  if (a == 0xffffffffu && b == 0x12345678u) spill();
  return a + b;
}
static NOINLINE uint32_t exclusive(uint32_t a, uint32_t b) {
  if (a == 0xffffffffu && b == 0x12345678u) spill();
  return a ^ b;
}
static NOINLINE uint32_t times(uint32_t a, uint32_t b) {
  if (a == 0xffffffffu && b == 0x12345678u) spill();
  return (a | 1) * b;
}

static operation operations[] = {plus, exclusive, times, exclusive};

static NOINLINE uint32_t evaluate(uint32_t seed, int depth) {
  if (depth == 0) return plus(seed, 0x9e3779b9u);
  uint32_t left = evaluate(seed * 3 + 1, depth - 1);
  uint32_t right = evaluate(seed * 5 + 2, depth - 1);
  return operations[(seed + (uint32_t)depth) & 3](left, right);
}

int run(int scale) {
  uint32_t sum = 2166136261u;
  for (uint32_t i = 0; i < (uint32_t)scale * 100000u; i++) sum = mix(sum, evaluate(i, 3));
  free(spilled);
  spilled = NULL;
  return (int)sum;
}
