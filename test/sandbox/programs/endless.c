// Calls that never end: in a leaf, below other functions, in the allocator, in functions of the host, in sleep().
#include <stdlib.h>
#include <unistd.h>

#ifdef __EMSCRIPTEN__
extern int visit(void);
#else
__attribute__((import_module("env"), import_name("visit"))) int visit(void);
#endif

volatile int going = 1;
void *volatile kept;

int spin(void) {
  while (going) {
  }
  return 0;
}

int answer(void) { return 42; }

__attribute__((noinline)) static int below(int depth) {
  char room[64];
  room[depth & 63] = 1;
  kept = room;
  return depth > 0 ? below(depth - 1) + 1 : spin();
}

int deep(int depth) {
  kept = malloc(10);
  return below(depth);
}

int churn(void) {
  for (;;) {
    kept = malloc(24 + ((unsigned)kept & 63));
    void *other = malloc(100);
    free(kept);
    free(other);
  }
}

int visited(void) { return visit() + 1; }

int sleeps(void) { return (int)sleep(1000); }

int many(int count, int size) {
  for (int made = 0; made < count; made++) {
    if (!malloc((size_t)size)) return made;
  }
  return count;
}

int grow(int from, int to) {
  char *block = malloc((size_t)from);
  char *larger = realloc(block, (size_t)to);
  free(larger ? larger : block);
  return larger != 0;
}

void forever(void) { spin(); }

#ifdef IN_CONSTRUCTOR
__attribute__((constructor)) static void start(void) { spin(); }
#endif
#ifdef IN_MAIN
#include <stdio.h>
int main(void) {
  printf("before");
  return spin();
}
#endif
