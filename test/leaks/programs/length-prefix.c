/* A 64-bit length comes before the bytes, as in allocators within programs (for example sqlite's). The program keeps
 * only a pointer to the bytes. Valgrind knows this layout and takes the block as reachable. */
#include "leaks.h"

ROOT char *bytes;

static NOINLINE void *take(size_t size) {
  uint64_t *block = malloc(sizeof *block + size); /* expect: reachable 1 block 56 bytes */
  *block = size;
  return block + 1;
}

#ifdef FIXED
static NOINLINE void give_back(void *taken) {
  free((uint64_t *)taken - 1);
}

#endif
static NOINLINE void run(void) {
  bytes = take(48);
  bytes[0] = 'b';
#ifdef FIXED
  give_back(bytes);
  bytes = NULL;
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
