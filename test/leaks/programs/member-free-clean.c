/* The pair of member-free-bad: the first member has the address of the block. expect: clean */
#include "leaks.h"

struct pair {
  int32_t first[4], second[4];
};

static NOINLINE void run(void) {
  struct pair *pair = malloc(sizeof *pair);
  pair->second[0] = 2;
  free(pair->first);
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
