/* platform.h -- what the runtime asks of its surroundings: memory and errno.
 *
 * The two flavours of the object differ only here. On WASI, memory first comes from the tail between __heap_base and
 * the end of the initial memory, then directly from memory.grow, which is all that wasi-libc's sbrk does. On
 * Emscripten it comes from libc's sbrk, because the glue's views of the memory must be told when it grows. Others may
 * grow the memory too, so a region need not follow the one before. A third flavour, the recorder, leaves the program's
 * allocator alone and gets its memory from it (recorder.c).
 */
#ifndef HEAPLINE_PLATFORM_H
#define HEAPLINE_PLATFORM_H

#include "interface.h"
#include "debug.h"

#ifndef HL_RECORDER

/* Returns the start of at least `bytes` new, zeroed bytes and stores their number in *got; 0 when there are none.
 * Start and end are multiples of HL_PAGE. */
HL_SLOW u32 hl_system_grow(u32 bytes, u32 *got);
/* Takes the memory from `start` up to `end` for the runtime, before hl_system_grow has given any. Both are multiples of
 * HL_WASM_PAGE. Returns 0 when there is not so much memory, or somebody else has it. */
HL_COLD int hl_system_reserve(u32 start, u32 end);
/* Takes back the memory from `start` on, which is zero, to give it once more. */
HL_COLD void hl_system_returned(u32 start);
/* An upper bound of the number of HL_PAGE pages below the first memory that hl_system_grow will give. */
static u32 hl_system_end(void);

#endif

#ifdef HL_RECORDER

/* All memory comes from the program's own allocator (recorder.c). */
extern u8 __heap_base;

#elif defined(__EMSCRIPTEN__)

#define HL_ENOMEM 48
#define HL_EINVAL 28
extern int *__errno_location(void);
HL_INLINE void hl_set_errno(int code) { *__errno_location() = code; }

extern u8 __heap_base;
extern int emscripten_resize_heap(size_t bytes);

/* sbrk for a module that has no other one. */
HL_INLINE void *hl_sbrk(intptr_t increment) {
  uintptr_t *at = emscripten_get_sbrk_ptr();
  uintptr_t old = *at;
  u64 end = (u64)old + (u64)(((i64)increment + 3) & ~(i64)3);
  u64 size = (u64)__builtin_wasm_memory_size(0) * HL_WASM_PAGE;
  if (end > 0xffffffffu || (end > size && !emscripten_resize_heap((size_t)end))) {
    hl_set_errno(HL_ENOMEM);
    return (void *)-1;
  }
  *at = (uintptr_t)end;
  return (void *)old;
}

static u32 hl_system_end(void) { return ((u32)sbrk(0) >> HL_PAGE_SHIFT) + 1; }

HL_COLD int hl_system_reserve(u32 start, u32 end) {
  u32 now = (u32)sbrk(0);
  return now <= start && (u32)sbrk((intptr_t)(end - now)) == now;
}

/* sbrk knows how much of the memory it has given. */
HL_COLD void hl_system_returned(u32 start) { (void)start; }

HL_SLOW u32 hl_system_grow(u32 bytes, u32 *got) {
  u32 end = (u32)sbrk(0);
  u32 padding = -end & (HL_PAGE - 1);
  if (bytes + padding < bytes || bytes + padding > 0x7ffff000u) return 0;
  u32 start = (u32)sbrk((intptr_t)(bytes + padding));
  if (start == 0xffffffffu) return 0;
  /* Somebody may have moved the break in between (a host call inside sbrk): align again, which loses one page. */
  u32 aligned = (start + HL_PAGE - 1) & -HL_PAGE;
  u32 usable = (start + bytes + padding - aligned) & -HL_PAGE;
  *got = usable;
  return usable ? aligned : 0;
}

#else

#define HL_ENOMEM 48
#define HL_EINVAL 28
extern int errno; /* thread-local in the header, plain data in a module without threads */
HL_INLINE void hl_set_errno(int code) { errno = code; }

extern u8 __heap_base;

/* Memory that was given back counts as if it were not there. */
static u32 hl_system_pages(void) {
  u32 pages = (u32)__builtin_wasm_memory_size(0);
  hl_state *state = &heapline_shadow.state;
  return state->returned && state->returned_end == pages ? state->returned : pages;
}

/* What memory.grow returns. */
static u32 hl_system_add(u32 pages) {
  hl_state *state = &heapline_shadow.state;
  u32 end = (u32)__builtin_wasm_memory_size(0), first = hl_system_pages();
  u32 missing = first + pages > end ? first + pages - end : 0;
  if (missing && __builtin_wasm_memory_grow(0, missing) == -1u) return -1u;
  state->returned = first + pages;
  state->returned_end = end + missing;
  if (state->returned == state->returned_end) state->returned = 0;
  return first;
}

/* Both numbers are pages of wasm. When somebody else has grown the memory behind them, nothing is taken from them. */
HL_COLD void hl_system_returned(u32 start) {
  hl_state *state = &heapline_shadow.state;
  u32 first = start / HL_WASM_PAGE;
  /* What was given back before lies right before it. */
  if (!state->returned || state->returned_end != first) state->returned = first;
  state->returned_end = (u32)__builtin_wasm_memory_size(0);
}

static u32 hl_system_end(void) { return hl_system_pages() * (HL_WASM_PAGE / HL_PAGE); }

HL_COLD int hl_system_reserve(u32 start, u32 end) {
  (void)start;
  u64 size = (u64)hl_system_pages() * HL_WASM_PAGE;
  u32 missing = end > size ? (u32)((end - size + HL_WASM_PAGE - 1) / HL_WASM_PAGE) : 0;
  if (missing && hl_system_add(missing) == -1u) return 0;
  heapline_shadow.state.reserved_end = end;
  return 1;
}

HL_SLOW u32 hl_system_grow(u32 bytes, u32 *got) {
  if (!heapline_shadow.state.tail_taken) {
    heapline_shadow.state.tail_taken = 1;
    u32 start = ((u32)&__heap_base + HL_PAGE - 1) & -HL_PAGE;
    if (start < heapline_shadow.state.reserved_end) start = heapline_shadow.state.reserved_end;
    u64 size = (u64)hl_system_pages() * HL_WASM_PAGE;
    u32 end = size > 0xfffff000u ? 0xfffff000u : (u32)size;
    if (end > start && end - start >= bytes) {
      *got = end - start;
      return start;
    }
    /* The tail is too small for this request. The memory after it follows directly, so take both. */
    if (end > start) {
      u32 more = (bytes - (end - start) + HL_WASM_PAGE - 1) / HL_WASM_PAGE;
      if (hl_system_add(more) != -1u) {
        *got = end - start + more * HL_WASM_PAGE;
        return start;
      }
      heapline_shadow.state.tail_taken = 0; /* a smaller request may still use it */
      return 0;
    }
  }
  u32 pages = (bytes + HL_WASM_PAGE - 1) / HL_WASM_PAGE;
  u32 old = hl_system_add(pages);
  if (old == 0xffffffffu) return 0;
  u64 end = (u64)(old + pages) * HL_WASM_PAGE;
  if (end > 0xfffff000u) end = 0xfffff000u; /* addresses stay below 2^32, so sums of them do too */
  *got = (u32)end - old * HL_WASM_PAGE;
  return old * HL_WASM_PAGE;
}

#endif

/* A list that has to end does not: the program has written over the runtime's memory. */
_Noreturn HL_COLD void hl_damaged(void) { __builtin_trap(); }

/* The end of the linear memory: addresses below it can be read. */
HL_INLINE u32 hl_memory_end(void) {
  u32 pages = (u32)__builtin_wasm_memory_size(0);
  return pages > 0xffff ? 0xffff0000u : pages * HL_WASM_PAGE;
}

HL_INLINE void hl_zero(void *address, u32 bytes) { __builtin_memset(address, 0, bytes); }
HL_INLINE void hl_copy(void *to, const void *from, u32 bytes) { __builtin_memcpy(to, from, bytes); }

#endif
