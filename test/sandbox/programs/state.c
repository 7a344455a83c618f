// A guest with all kinds of state: blocks, static data, a function table, files, open streams, output. act() does one
// thing and returns what it has seen, so that two runs can be compared.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

enum { SLOTS = 16, FILES = 4 };
static char *slots[SLOTS];
static int sizes[SLOTS];
static int descriptors[FILES] = {-1, -1, -1, -1};
static int counter;
static FILE *stream;
static char *pool, taken[SLOTS];
static void *kept;

static int add(int x) { return x + 1; }
static int twice(int x) { return 2 * x; }
static int (*function)(int) = add;

__attribute__((noinline)) static char *small(int size) { return malloc((size_t)size); }
__attribute__((noinline)) static char *large(int size) { return calloc(1, (size_t)size * 1000); }

static int sum(const char *bytes, int size) {
  int result = 0;
  for (int i = 0; i < size; i += 97) result = result * 31 + bytes[i];
  return result;
}

int act(int what, int a, int b) {
  int slot = a % SLOTS;
  char name[32];
  snprintf(name, sizeof name, "/file%d", a % FILES);
  counter++;
  switch (what) {
    case 0:
    case 1:
      free(slots[slot]);
      sizes[slot] = what == 0 ? b + 1 : (b % 600 + 1) * 1000;
      slots[slot] = what == 0 ? small(sizes[slot]) : large(b % 600 + 1);
      if (slots[slot]) memset(slots[slot], counter, (size_t)sizes[slot] / 2);
      return (int)slots[slot];
    case 2: {
      char *moved = realloc(slots[slot], (size_t)(b * 3 + 1));
      if (moved) slots[slot] = moved, sizes[slot] = 1;
      return (int)moved;
    }
    case 3:
      free(slots[slot]);
      slots[slot] = 0;
      sizes[slot] = 0;
      return 0;
    case 4: slots[slot] = 0; return sizes[slot] = 0; /* lost */
    case 5: return slots[slot] ? sum(slots[slot], sizes[slot]) : -1;
    case 6: function = function == add ? twice : add; return function(b);
    case 7: {
      FILE *file = fopen(name, b % 2 ? "a" : "w");
      fprintf(file, "%d %d\n", counter, b);
      return fclose(file);
    }
    case 8: return unlink(name);
    case 9: {
      int *fd = &descriptors[a % FILES];
      if (*fd < 0) return *fd = open(name, O_RDWR | O_CREAT, 0600);
      int closed = close(*fd);
      *fd = -1;
      return closed;
    }
    case 10: {
      char bytes[8] = {0};
      int fd = descriptors[a % FILES];
      return fd < 0 ? -1 : (int)read(fd, bytes, 5) * 1000 + sum(bytes, 8);
    }
    case 11: return descriptors[a % FILES] < 0 ? -1 : (int)write(descriptors[a % FILES], &counter, 3);
    case 12: return printf("%d;", counter);
    case 13: free((char *)&counter + (b & 15)); return counter; /* a heap fault */
    case 14:
      if (!stream) stream = fopen("/stream", "w+");
      return fprintf(stream, "%d,", b);
    case 15: /* a cell of a pool, which one other cell may point to */
      if (!pool) pool = malloc(SLOTS * 32), VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
      if (taken[slot]) return -1;
      taken[slot] = 1;
      VALGRIND_MEMPOOL_ALLOC(pool, pool + 32 * slot, 9 + b % 20);
      *(void **)(pool + 32 * slot) = kept;
      if (b & 1) kept = pool + 32 * slot;
      return slot;
    case 16:
      if (!pool || !taken[slot]) return -1;
      taken[slot] = 0;
      if (kept == pool + 32 * slot) kept = 0;
      VALGRIND_MEMPOOL_FREE(pool, pool + 32 * slot);
      return slot;
    case 17:
      if (!pool) return -1;
      VALGRIND_DESTROY_MEMPOOL(pool), free(pool), pool = kept = 0;
      memset(taken, 0, sizeof taken);
      return 0;
    default: {
      char bytes[16] = {0};
      FILE *file = fopen(name, "r");
      if (!file) return -1;
      size_t got = fread(bytes, 1, 15, file);
      fclose(file);
      return (int)got + 100 * sum(bytes, 15);
    }
  }
}

int trap(void) {
  slots[0] = malloc(100000);
  __builtin_trap();
}

int main(int argc, char **argv) {
  printf("run %d of %d\n", ++counter, argc);
  slots[1] = malloc(10);
  return counter;
}
