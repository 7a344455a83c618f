/* wreck.c -- writes over all of the heap, the allocator's own data included, and then uses it. */
#include <stdlib.h>

extern char __heap_base;

static void wreck(void) {
  unsigned end = __builtin_wasm_memory_size(0) * 65536;
  for (unsigned at = (unsigned)&__heap_base; at < end; at += 4) *(volatile unsigned *)at = 0xfffffff0;
}

static void *take(size_t size) { return malloc(size); }
static void give(void *block) { free(block); }

void *wreck_and_take(void) {
  give(take(40));
  wreck();
  void *last = 0;
  for (size_t size = 8; size < 100000; size *= 2) last = take(size);
  return last;
}

void wreck_and_give(void) {
  void *block = take(40);
  wreck();
  give(block);
}
