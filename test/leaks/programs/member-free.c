/* The program frees a member of a struct, which has no block of its own.
 * Fixed: the first member has the address of the block. */
#include "leaks.h"

struct pair {
  int32_t first[4], second[4];
};

static NOINLINE void run(void) {
  struct pair *pair = malloc(sizeof *pair); /* expect: allocated pair */
  pair->second[0] = 2;
#ifdef FIXED
  free(pair->first);
#else
  free(pair->second); /* expect: interior-free pair */
  free(pair);
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
