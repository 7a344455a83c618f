/* The pair of ring-buffer-leak. expect: clean */
#include "leaks.h"

ROOT char *ring[4];

static NOINLINE void put(int i) {
  free(ring[i % 4]);
  ring[i % 4] = malloc(13);
  ring[i % 4][0] = (char)i;
}

static NOINLINE void run(void) {
  for (int i = 0; i < 10; i++) put(i);
  for (int i = 0; i < 4; i++) {
    free(ring[i]);
    ring[i] = NULL;
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
