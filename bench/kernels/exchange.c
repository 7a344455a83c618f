/* exchange.c -- producer-consumer order, after the ideas of xmalloc and larson: one function fills batches and queues
 * them, another drains them much later. Blocks are therefore freed first in, first out, far from the place and time of
 * their allocation. Some slots of each batch are replaced on the way.
 *
 * Scale: 1,000 batches of 120 blocks, 64 batches in flight.
 */
#include "kernel.h"

#define BATCH 120
#define QUEUE 64

struct batch {
  unsigned char *blocks[BATCH];
  uint32_t sizes[BATCH];
};

static NOINLINE unsigned char *fill(uint32_t *random, uint32_t *size) {
  uint32_t r = next_random(random);
  *size = 16 + (r >> 4) % 240;
  unsigned char *block = malloc(*size);
  if (!block) abort();
  stamp(block, *size, r);
  return block;
}

static NOINLINE struct batch *produce(uint32_t *random) {
  struct batch *batch = malloc(sizeof *batch);
  if (!batch) abort();
  for (uint32_t i = 0; i < BATCH; i++) batch->blocks[i] = fill(random, &batch->sizes[i]);
  return batch;
}

static NOINLINE uint32_t replace(struct batch *batch, uint32_t *random, uint32_t sum) {
  for (uint32_t i = next_random(random) & 7; i < BATCH; i += 8) {
    sum = mix(sum, read_stamp(batch->blocks[i], batch->sizes[i]));
    free(batch->blocks[i]);
    batch->blocks[i] = fill(random, &batch->sizes[i]);
  }
  return sum;
}

static NOINLINE uint32_t consume(struct batch *batch, uint32_t sum) {
  for (uint32_t i = 0; i < BATCH; i++) {
    sum = mix(sum, read_stamp(batch->blocks[i], batch->sizes[i]));
    free(batch->blocks[i]);
  }
  free(batch);
  return sum;
}

int run(int scale) {
  struct batch *queue[QUEUE] = {0};
  uint32_t sum = 2166136261u, random = 0x1234567u;
  for (uint32_t i = 0; i < (uint32_t)scale * 1000u; i++) {
    uint32_t at = i % QUEUE;
    if (queue[at]) sum = consume(queue[at], sum);
    queue[at] = produce(&random);
    struct batch *other = queue[next_random(&random) % QUEUE];
    if (other) sum = replace(other, &random, sum);
  }
  for (uint32_t at = 0; at < QUEUE; at++)
    if (queue[at]) sum = consume(queue[at], sum);
  return (int)sum;
}
