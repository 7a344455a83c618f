/* A pool for the programs here: it hands out cells of 64 bytes out of chunks, and keeps its books apart from them, so that
 * it never reads memory that it has closed. With MARKS_BLOCK it says so by single blocks, otherwise by a pool. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define NOINLINE __attribute__((noinline))
#define CELLS 16

/* Pointers have 8 bytes everywhere, so that sizes are the same at 32 and 64 bits. */
struct cell {
  union {
    struct cell *to;
    uint64_t word;
  } links[4];
  char text[32];
};

struct pool {
  char *chunk;
  char used[CELLS];
};

static struct pool pools[4];

static NOINLINE void pool_open(struct pool *pool) {
  pool->chunk = malloc(CELLS * sizeof(struct cell));
  memset(pool->chunk, 0, CELLS * sizeof(struct cell));
  memset(pool->used, 0, CELLS);
#ifndef MARKS_BLOCKS
  VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
#endif
}

static NOINLINE struct cell *pool_take(struct pool *pool) {
  for (int i = 0; i < CELLS; i++) {
    if (pool->used[i]) continue;
    pool->used[i] = 1;
    struct cell *cell = (struct cell *)pool->chunk + i;
#ifdef MARKS_BLOCKS
    VALGRIND_MALLOCLIKE_BLOCK(cell, sizeof *cell, 0, 0);
#else
    VALGRIND_MEMPOOL_ALLOC(pool, cell, sizeof *cell);
#endif
    memset(cell, 0, sizeof *cell);
    return cell;
  }
  return NULL;
}

static NOINLINE void pool_give(struct pool *pool, struct cell *cell) {
  pool->used[cell - (struct cell *)pool->chunk] = 0;
#ifdef MARKS_BLOCKS
  VALGRIND_FREELIKE_BLOCK(cell, 0);
#else
  VALGRIND_MEMPOOL_FREE(pool, cell);
#endif
}

static NOINLINE void pool_close(struct pool *pool) {
#ifdef MARKS_BLOCKS
  for (int i = 0; i < CELLS; i++)
    if (pool->used[i]) VALGRIND_FREELIKE_BLOCK((struct cell *)pool->chunk + i, 0);
#else
  VALGRIND_DESTROY_MEMPOOL(pool);
#endif
  free(pool->chunk);
  pool->chunk = NULL;
}

static char output[4096];

/* Overwrites what earlier calls have left on the stack. */
static NOINLINE void clear_stack(void) {
  volatile char room[8192];
  for (unsigned i = 0; i < sizeof room; i++) room[i] = 0;
#ifdef __x86_64__
  /* Valgrind looks into registers, too. */
  __asm__ volatile(
      "xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d; xor %%r9d, %%r9d;"
      "xor %%r10d, %%r10d; xor %%r11d, %%r11d; pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1"
      :
      :
      : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1");
#endif
}

static NOINLINE void count_now(const char *title) {
  unsigned long leaked, dubious, reachable, suppressed, blocks[4];
  VALGRIND_DO_QUICK_LEAK_CHECK;
  VALGRIND_COUNT_LEAKS(leaked, dubious, reachable, suppressed);
  VALGRIND_COUNT_LEAK_BLOCKS(blocks[0], blocks[1], blocks[2], blocks[3]);
  printf("%s: %lu in %lu, %lu in %lu, %lu in %lu; %u errors\n", title, leaked, blocks[0], dubious, blocks[1], reachable,
         blocks[2], (unsigned)VALGRIND_COUNT_ERRORS);
}

/* Prints what a leak check counts now. What is called for it finds a stack without old pointers. */
#define count(title) (clear_stack(), count_now(title))
