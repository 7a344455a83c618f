/* The pair of pool-leak. expect: clean */
#include "leaks.h"

struct slot {
  struct slot *next;
  char payload[24];
};

ROOT struct slot *pool;
ROOT struct slot *free_slots;

static NOINLINE void run(void) {
  pool = calloc(8, 32);
  for (int i = 0; i < 8; i++) {
    struct slot *slot = (struct slot *)((char *)pool + 32 * i);
    slot->next = free_slots;
    free_slots = slot;
  }
  free(pool);
  pool = free_slots = NULL;
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
