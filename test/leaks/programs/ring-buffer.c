/* A ring buffer of four overwrites its oldest entries without freeing them; the last four are freed properly. */
#include "leaks.h"

ROOT char *ring[4];

static NOINLINE void put(int i) {
#ifdef FIXED
  free(ring[i % 4]);
#endif
  ring[i % 4] = malloc(13); /* expect: definite 6 blocks 78 bytes */
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
