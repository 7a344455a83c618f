/* An allocator in layers, as debug builds of emmalloc have it. malloc and free name no data: they call functions that
 * others call, too. The constructor takes the first memory, by a function that the allocator calls later on, and that calls
 * another one which nobody else calls. */

#include <stddef.h>

typedef struct piece {
  size_t size;
  struct piece *next;
} piece;

extern unsigned char __heap_base;
static piece *unused;
static unsigned char *end;

#define APART __attribute__((noinline))
#define EXPORTED(name) __attribute__((export_name(#name)))

static APART void put(piece *one) {
  one->next = unused;
  unused = one;
}

static APART int more(size_t bytes) {
  if (!end) end = &__heap_base;
  size_t memory = (size_t)__builtin_wasm_memory_size(0) << 16;
  size_t needed = (size_t)end + bytes;
  if (needed < bytes) return 0;
  if (needed > memory && __builtin_wasm_memory_grow(0, (needed - memory + 65535) >> 16) == (size_t)-1) return 0;
  piece *one = (piece *)end;
  end += bytes;
  one->size = bytes - sizeof(piece);
  put(one);
  return 1;
}

__attribute__((constructor)) static void set_up(void) { more(4096); }

APART void *take(size_t size) {
  if (size > 0x7fffff00u) return NULL;
  size = (size + 15) & ~(size_t)15;
  for (;;) {
    for (piece **at = &unused; *at; at = &(*at)->next) {
      piece *one = *at;
      if (one->size < size) continue;
      *at = one->next;
      return one + 1;
    }
    if (!more(size + 4096)) return NULL;
  }
}

APART void give(void *block) {
  if (block) put((piece *)block - 1);
}

EXPORTED(malloc) void *malloc(size_t size) {
  void *volatile block = take(size);
  return block;
}
EXPORTED(free) void free(void *block) {
  void *volatile given = block;
  give(given);
}

static int made;

/* The program calls the layer below malloc itself. */
EXPORTED(make) void *make(size_t size) {
  void *volatile block = take(size);
  made += 1;
  return block;
}
EXPORTED(drop) void drop(void *block) {
  void *volatile given = block;
  made -= 1;
  give(given);
}
