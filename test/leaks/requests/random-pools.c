/* Random work with four pools: cells are handed out, linked, forgotten, given back; pools are closed with all that is in
 * them. Argument: the seed. Prints what is lost after every few steps. */
#include "pool.h"

static uint32_t state;
static NOINLINE unsigned below(unsigned limit) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % limit;
}

#define ROOTS 12
static struct cell *roots[ROOTS];
static struct pool *owners[ROOTS];

static NOINLINE void forget_cells_of(struct pool *pool) {
  for (int i = 0; i < ROOTS; i++)
    if (owners[i] == pool) roots[i] = NULL, owners[i] = NULL;
}

static NOINLINE void step(void) {
  struct pool *pool = &pools[below(4)];
  int root = (int)below(ROOTS), other = (int)below(ROOTS);
  switch (below(9)) {
    case 0:
    case 1:
    case 2:
      if (pool->chunk == NULL) pool_open(pool);
      roots[root] = pool_take(pool);
      owners[root] = roots[root] == NULL ? NULL : pool;
      break;
    case 3:
    case 4:
      if (roots[root] != NULL) roots[root]->links[below(4)].to = roots[other];
      break;
    case 5:
      /* A pointer into the middle. */
      if (roots[root] != NULL && roots[other] != NULL)
        roots[root]->links[below(4)].to = (struct cell *)&roots[other]->text[8];
      break;
    case 6: roots[root] = NULL, owners[root] = NULL; break;
    case 7:
      if (roots[root] != NULL) {
        struct cell *cell = roots[root];
        pool_give(owners[root], cell);
        for (int i = 0; i < ROOTS; i++)
          if (roots[i] == cell) roots[i] = NULL, owners[i] = NULL;
      }
      break;
    default:
      if (below(12) == 0 && pool->chunk != NULL) {
        forget_cells_of(pool);
        pool_close(pool);
      }
  }
}

int main(int argc, char **argv) {
  setvbuf(stdout, output, _IOFBF, sizeof output);
  state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
  for (int i = 0; i < 300; i++) {
    step();
    if (i % 15 == 14) count("step");
  }
  return 0;
}
