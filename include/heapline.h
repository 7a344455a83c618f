/* heapline.h -- what a C or C++ program can ask and tell the Heapline runtime that it is linked with.
 *
 * Everything here also compiles and runs in a program without Heapline, native ones included: heapline_present() is 0
 * there, so is every count, and requests do nothing. Nothing has to be linked for it. The functions are inline and read
 * the runtime's own totals; they cost a load or two, allocate nothing, and do not change what is measured.
 *
 *     size_t before = heapline_live_bytes();
 *     parse(text);
 *     assert(heapline_live_bytes() == before);
 *
 * The requests tell the runtime what an allocator of the program's own does, and what to think of leaks:
 *
 *     void *pool_alloc(struct pool *pool) {
 *       void *cell = take(pool);
 *       HEAPLINE_ALLOCATED(cell, pool->cell_size);
 *       return cell;
 *     }
 *
 * The same requests have the names that Valgrind, LeakSanitizer and AddressSanitizer give them in <valgrind/valgrind.h>,
 * <valgrind/memcheck.h>, <sanitizer/lsan_interface.h> and <sanitizer/asan_interface.h>, which are beside this file.
 */
#ifndef HEAPLINE_H
#define HEAPLINE_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header, for #if: it grows when something is added. */
#define HEAPLINE_H_VERSION 2

/* Version and mark of the runtime block that this header can read. */
#define HEAPLINE_ABI 9
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

/* -- requests ------------------------------------------------------------------------------------------------- */

/* Codes of requests. Those below 0x2000, and those that begin with the letters MC, are Valgrind's. */
#define HEAPLINE_REQUEST_PRESENT 0x1001
#define HEAPLINE_REQUEST_ERRORS 0x1201
#define HEAPLINE_REQUEST_ALLOCATED 0x1301
#define HEAPLINE_REQUEST_FREED 0x1302
#define HEAPLINE_REQUEST_CREATE_POOL 0x1303
#define HEAPLINE_REQUEST_DESTROY_POOL 0x1304
#define HEAPLINE_REQUEST_POOL_ALLOCATE 0x1305
#define HEAPLINE_REQUEST_POOL_FREE 0x1306
#define HEAPLINE_REQUEST_POOL_TRIM 0x1307
#define HEAPLINE_REQUEST_POOL_MOVE 0x1308
#define HEAPLINE_REQUEST_POOL_CHANGE 0x1309
#define HEAPLINE_REQUEST_POOL_EXISTS 0x130a
#define HEAPLINE_REQUEST_RESIZED 0x130b
#define HEAPLINE_REQUEST_NO_ACCESS 0x4d430000
#define HEAPLINE_REQUEST_UNDEFINED 0x4d430001
#define HEAPLINE_REQUEST_DEFINED 0x4d430002
#define HEAPLINE_REQUEST_IS_ADDRESSABLE 0x4d430004
#define HEAPLINE_REQUEST_LEAK_CHECK 0x4d430006
#define HEAPLINE_REQUEST_COUNT_LEAKS 0x4d430007
#define HEAPLINE_REQUEST_COUNT_LEAK_BLOCKS 0x4d43000c
#define HEAPLINE_REQUEST_IGNORE_BLOCK 0x484c0001
#define HEAPLINE_REQUEST_IGNORE_ALL 0x484c0002
#define HEAPLINE_REQUEST_IGNORE_NO_MORE 0x484c0003
#define HEAPLINE_REQUEST_ADD_ROOTS 0x484c0004
#define HEAPLINE_REQUEST_REMOVE_ROOTS 0x484c0005
#define HEAPLINE_REQUEST_CHECK_LEAKS 0x484c0006
#define HEAPLINE_REQUEST_CLOSE_MEMORY 0x484c0007
#define HEAPLINE_REQUEST_OPEN_MEMORY 0x484c0008
#define HEAPLINE_REQUEST_IS_CLOSED 0x484c0009

/* HEAPLINE_ASK makes a request, and is `missing` in a program without the runtime. These are macros, so that the request
 * comes from the function that uses them. */
#if defined(HEAPLINE_RUNTIME)
#elif defined(__wasm32__)
extern uintptr_t heapline_request(uintptr_t code, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e)
    __attribute__((weak));
#define HEAPLINE_ASK(missing, code, a, b, c, d, e)                                                                  \
  (heapline_request ? heapline_request((uintptr_t)(code), (uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c),            \
                                       (uintptr_t)(d), (uintptr_t)(e))                                               \
                    : (uintptr_t)(missing))
#else
#define HEAPLINE_ASK(missing, code, a, b, c, d, e)                                                                  \
  ((void)(code), (void)(a), (void)(b), (void)(c), (void)(d), (void)(e), (uintptr_t)(missing))
#endif

#define HEAPLINE_TELL(code, a, b, c, d) ((void)HEAPLINE_ASK(0, code, a, b, c, d, 0))

/* An allocator of the program's own has handed out `size` bytes: from here on they are a block with this stack. */
#define HEAPLINE_ALLOCATED(address, size) HEAPLINE_TELL(HEAPLINE_REQUEST_ALLOCATED, address, size, 0, 0)
/* The block was given back. */
#define HEAPLINE_FREED(address) HEAPLINE_TELL(HEAPLINE_REQUEST_FREED, address, 0, 0, 0)
/* The block has another size now, at the same address. */
#define HEAPLINE_RESIZED(address, size) HEAPLINE_TELL(HEAPLINE_REQUEST_RESIZED, address, 0, size, 0)

/* Leak reports leave out the block around this address, and what hangs on it. */
#define HEAPLINE_IGNORE_LEAK(address) HEAPLINE_TELL(HEAPLINE_REQUEST_IGNORE_BLOCK, address, 0, 0, 0)

#ifdef __cplusplus
}
#endif

#endif
