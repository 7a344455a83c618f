/* An arena hands out parts of large chunks; forgetting the arena loses the chunks, newest first. */
#include "leaks.h"

struct chunk {
  struct chunk *previous;
  size_t used;
  char bytes[1000];
};

static NOINLINE void *take(struct chunk **arena, size_t size) {
  if (*arena == NULL || (*arena)->used + size > sizeof (*arena)->bytes) {
    struct chunk *chunk = malloc(sizeof *chunk); /* expect: definite 1 block 1008|1016 bytes with 2016|2032, indirect 2 blocks 2016|2032 bytes */
#ifndef FIXED
    memset(chunk, 0, sizeof *chunk);
#endif
    chunk->previous = *arena;
#ifdef FIXED
    chunk->used = 0;
#endif
    *arena = chunk;
  }
  void *taken = (*arena)->bytes + (*arena)->used;
  (*arena)->used += size;
  return taken;
}

static NOINLINE void run(void) {
  struct chunk *arena = NULL;
  for (int i = 0; i < 25; i++) *(char *)take(&arena, 100) = 'x';
#ifdef FIXED
  while (arena != NULL) {
    struct chunk *previous = arena->previous;
    free(arena);
    arena = previous;
  }
#endif
}

int main(void) {
  run();
  clear_stack();
  return 0;
}
