/* A pool in one block with a free list inside it: the list leads into the middle, the pool's own pointer to the
 * start, so the block is reachable; the table of names beside it is lost. */
#include "leaks.h"

struct slot {
  struct slot *next;
  char payload[24];
};

ROOT struct slot *pool;
ROOT struct slot *free_slots;

static NOINLINE void run(void) {
  pool = calloc(8, 32); /* expect: reachable 1 block 256 bytes */
  for (int i = 0; i < 8; i++) {
    struct slot *slot = (struct slot *)((char *)pool + 32 * i);
    slot->next = free_slots;
    free_slots = slot;
  }
#ifdef FIXED
  free(pool);
  pool = free_slots = NULL;
#else
  char *names = malloc(88); /* expect: definite 1 block 88 bytes */
  names[0] = 'n';
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
