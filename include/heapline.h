/* heapline.h -- what a C or C++ program can ask the Heapline runtime that it is linked with.
 *
 * Everything here also compiles and runs in a program without Heapline, native ones included: heapline_present() is 0
 * there, and so is every count. Nothing has to be linked for it, because the functions are inline and read the
 * runtime's own totals. They cost a load or two, allocate nothing, and do not change what is measured.
 *
 *     size_t before = heapline_live_bytes();
 *     parse(text);
 *     assert(heapline_live_bytes() == before);
 */
#ifndef HEAPLINE_H
#define HEAPLINE_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header, for #if: it grows when something is added. */
#define HEAPLINE_H_VERSION 1

/* Version and mark of the runtime block that this header can read. */
#define HEAPLINE_ABI 7
#define HEAPLINE_MAGIC 0x50414548

#ifdef __cplusplus
extern "C" {
#endif

/* The start of the runtime block. Do not read it directly: its fields move with HEAPLINE_ABI. */
struct heapline_block {
  uint32_t magic, version;
  uint32_t unused[6];
  uint64_t alloc_objects, alloc_bytes;
  uint32_t freed_objects, freed_bytes;
};

#if defined(__wasm32__) && !defined(HEAPLINE_RUNTIME)
/* Weak: its address is 0 in a program that was linked without the runtime. Volatile: compilers know malloc, and would
 * otherwise take it for granted that it changes no variable. */
extern volatile struct heapline_block heapline_runtime __attribute__((weak));
#define HEAPLINE_BLOCK (&heapline_runtime)
#else
#define HEAPLINE_BLOCK ((volatile struct heapline_block *)0)
#endif

/* The runtime block, or a null pointer when the program has no runtime or one that this header cannot read. */
static inline volatile struct heapline_block *heapline_find_block(void) {
  volatile struct heapline_block *block = HEAPLINE_BLOCK;
  if (block != 0 && block->magic == HEAPLINE_MAGIC && block->version == HEAPLINE_ABI) return block;
  return 0;
}

/* 1 when the program is linked with the runtime, 0 otherwise. */
static inline int heapline_present(void) { return heapline_find_block() != 0; }

/* Blocks in use, and the bytes that the program asked for in them. */
static inline size_t heapline_live_blocks(void) {
  volatile struct heapline_block *block = heapline_find_block();
  return block == 0 ? 0 : (size_t)((uint32_t)block->alloc_objects - block->freed_objects);
}
static inline size_t heapline_live_bytes(void) {
  volatile struct heapline_block *block = heapline_find_block();
  return block == 0 ? 0 : (size_t)((uint32_t)block->alloc_bytes - block->freed_bytes);
}

/* Allocations ever made, and the bytes asked for in them. A realloc that changes the size is one, too. */
static inline uint64_t heapline_allocated_blocks(void) {
  volatile struct heapline_block *block = heapline_find_block();
  return block == 0 ? 0 : block->alloc_objects;
}
static inline uint64_t heapline_allocated_bytes(void) {
  volatile struct heapline_block *block = heapline_find_block();
  return block == 0 ? 0 : block->alloc_bytes;
}

#ifdef __cplusplus
}
#endif

#endif
