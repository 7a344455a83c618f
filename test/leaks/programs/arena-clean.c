/* The pair of arena-leak. expect: clean */
#include "leaks.h"

struct chunk {
  struct chunk *previous;
  size_t used;
  char bytes[1000];
};

static NOINLINE void *take(struct chunk **arena, size_t size) {
  if (*arena == NULL || (*arena)->used + size > sizeof (*arena)->bytes) {
    struct chunk *chunk = malloc(sizeof *chunk);
    chunk->previous = *arena;
    chunk->used = 0;
    *arena = chunk;
  }
  void *taken = (*arena)->bytes + (*arena)->used;
  (*arena)->used += size;
  return taken;
}

static NOINLINE void run(void) {
  struct chunk *arena = NULL;
  for (int i = 0; i < 25; i++) *(char *)take(&arena, 100) = 'x';
  while (arena != NULL) {
    struct chunk *previous = arena->previous;
    free(arena);
    arena = previous;
  }
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
