/* allocate.c -- malloc, calloc, the aligned family; taking blocks and handing them out.
 *
 * The fast path is one comparison (is the size below hl.fast_limit?), the context, a pop from the current span's free
 * list, and the ledger. Everything rare is behind that comparison: the first call ever, large sizes, tracing.
 *
 * When memory is exhausted, the result is NULL with ENOMEM, and nothing else changes. Block metadata is allocated
 * before the block's pages, and contexts fall back to their parent, so running out of memory anywhere is an ordinary
 * failed allocation.
 */
#include "platform.h"

/* A test hook: the host is told of every block that is handed out. */
#if HL_TEST_HOOKS
HL_INLINE int hl_is_traced(void) { return rt.flags & HL_FLAG_TRACE; }
HL_COLD void hl_trace(u32 address, u32 size, const hl_node *node) { heapline_host_trace(address, size, (u32)node); }
#else
HL_INLINE int hl_is_traced(void) { return 0; }
HL_INLINE void hl_trace(u32 address, u32 size, const hl_node *node) { (void)address, (void)size, (void)node; }
#endif

HL_INLINE u32 hl_fast_limit(void) {
  return hl_is_traced() || hl.shadow.base || hl.requests.disabled ? 0 : hl_limits_fast(HL_SMALL_MAX + 1);
}

static void hl_ignore(u32 address, u32 serial);

HL_INLINE u32 hl_shadowed_limit(void) {
  int none = hl_is_traced() || hl.requests.disabled || !hl.shadow.base || hl.limits.in_force;
  return none ? 0 : HL_SMALL_MAX - HL_REDZONE_MOST + 1;
}

static void hl_set_limits(void) {
  hl.fast_limit = hl_fast_limit();
  hl.shadowed_limit = hl_shadowed_limit();
}

HL_COLD void hl_heap_initialise(void) {
  HL_ASSERT(!hl.initialised);
  hl.initialised = 1;
  hl_structs_add(&hl.first_span_chunk.header, HL_ARRAY_LENGTH(hl.first_span_chunk.spans));
  hl_classes_initialise();
  hl_contexts_initialise();
  hl_set_limits();
}

HL_INLINE void hl_set_flags(u32 flags) {
  rt.flags = flags;
  if (hl.initialised) hl_set_limits();
}

HL_COLD void *hl_allocation_failed(u64 size) {
  if (!hl.initialised) hl_heap_initialise();
  hl_books_failed(size, hl_context());
  hl_set_errno(HL_ENOMEM);
  return 0;
}

/* Takes a free block of the class and stores its address in *address; null when memory is exhausted. */
HL_INLINE hl_block *hl_block_take(u32 class, u32 *address, hl_span **from) {
  hl_span *span = hl.current[class];
  u32 index = span->free;
  if (HL_UNLIKELY(index == HL_NO_BLOCK)) {
    span = hl_class_refill(class);
    if (!span) return 0;
    index = span->free;
  }
  hl_block *block = span->metadata + index;
  HL_ASSERT(index < span->blocks && block->owner & HL_BLOCK_FREED);
  span->free = hl_block_next_free(block);
  span->used++;
  HL_ASSERT(span->used <= span->blocks);
  *address = span->base + index * span->block_size;
  HL_ASSERT_INTERNAL(span->class == class && hl.map[hl_page_of(*address)] == span);
  *from = span;
  return block;
}

/* Takes a block of any size and alignment. hl.taken_zero then says whether the block's bytes are known to be zero. */
HL_SLOW hl_block *hl_block_take_slow(u32 size, u32 alignment, u32 *address) {
  hl_span *span;
  hl_block *block;
  if (size <= HL_SMALL_MAX && alignment <= HL_PAGE) {
    /* Blocks whose size is a multiple of the alignment are aligned (hl_class_alignment). Such a class exists: at the
     * latest the one of the next power of two. */
    u32 class = hl_class_of(size ? size : 1);
    while (class < HL_CLASSES && (hl_class_size(class) & (alignment - 1))) class++;
    if (class < HL_CLASSES) {
      block = hl_block_take(class, address, &span);
      if (block) hl.taken_zero = span->zero && !(block->owner & HL_BLOCK_OWNER_MASK);
      return block;
    }
  }
  span = hl_large_new(size, alignment);
  if (!span) return 0;
  span->free = HL_NO_BLOCK;
  span->used = 1;
  *address = span->base;
  hl.taken_zero = span->zero;
  span->zero = 0;
  return &span->own;
}

/* A small block while accesses are checked. */
HL_INLINE void *hl_allocate_shadowed(u32 size) {
  hl_node *node = hl_context();
  u32 address;
  hl_span *span;
  hl_block *block = hl_block_take(hl_class_of(hl_with_redzone(size)), &address, &span);
  if (HL_UNLIKELY(!block)) return hl_allocation_failed(size);
  hl.taken_zero = span->zero && !(block->owner & HL_BLOCK_OWNER_MASK);
  hl_shadow_open(address, size, span->block_size);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, 0), size);
  return (void *)address;
}

HL_SLOW void *hl_allocate_slow_seen(u32 size, u32 alignment) {
  if (!hl.initialised) hl_heap_initialise();
  if (size > HL_SIZE_MAX || alignment > HL_SIZE_MAX || size + alignment > HL_SIZE_MAX)
    return hl_allocation_failed(size);
  if (HL_UNLIKELY(hl.limits.in_force) && hl_limits_refuse(size, 1)) return hl_allocation_failed(size);
  HL_ASSERT(alignment >= HL_ALIGNMENT && !(alignment & (alignment - 1)));
  hl_node *node = hl_context();
  u32 address;
  hl_block *block = hl_block_take_slow(hl_with_redzone(size), alignment, &address);
  if (!block) return hl_allocation_failed(size);
  hl_shadow_open(address, size, hl.map[hl_page_of(address)]->block_size);
  HL_ASSERT(!(address & (alignment - 1)) && size <= hl.map[hl_page_of(address)]->block_size);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, 0), size);
  HL_ASSERT_EXPENSIVE(hl_span_is_valid(hl.map[hl_page_of(address)]));
  if (hl_is_traced()) hl_trace(address, size, node);
  return (void *)address;
}

HL_SLOW void *hl_allocate_slow(u32 size, u32 alignment) {
  if (size < hl.shadowed_limit && alignment == HL_ALIGNMENT) return hl_allocate_shadowed(size);
  void *pointer = hl_allocate_slow_seen(size, alignment);
  if (hl.requests.disabled && pointer) hl_ignore((u32)pointer, (u32)rt.alloc_objects);
  return pointer;
}

HL_INLINE void *hl_allocate_small(hl_node *node, u32 size, int first_is_likely) {
  u32 address;
  hl_span *span;
  hl_block *block = hl_block_take(hl_class_of(size), &address, &span);
  if (HL_UNLIKELY(!block)) return hl_allocation_failed(size);
  HL_ASSERT(size <= span->block_size && !(address & (HL_ALIGNMENT - 1)));
  hl_block_hand_out(block, hl_ledger_allocate(node, size, first_is_likely), size);
  return (void *)address;
}

/* A small block in a context that takes a search. It is all in one function, because programs with ever new contexts
 * spend their time here. */
HL_SLOW void *hl_allocate_resolving(u32 size) { return hl_allocate_small(hl_context_resolve_here(rt.top, 1), size, 1); }

HL_INLINE void *hl_malloc(u32 size) {
  if (HL_UNLIKELY(size >= hl.fast_limit)) return hl_allocate_slow(size, HL_ALIGNMENT);
  hl_node *node = hl_context_known();
  return HL_LIKELY(node) ? hl_allocate_small(node, size, 0) : hl_allocate_resolving(size);
}

HL_INLINE void hl_zero_block(u32 address, u32 size) {
  if (size > 256) {
    hl_zero((void *)address, size);
    return;
  }
  /* Blocks are multiples of 16 bytes. */
  u64 *words = (u64 *)address;
  for (u32 i = 0; i < (size + 15) / 16; i++) {
    words[2 * i] = 0;
    words[2 * i + 1] = 0;
  }
}

HL_INLINE void *hl_calloc(u32 count, u32 each) {
  u64 product = (u64)count * each;
  if (HL_UNLIKELY(product > HL_SIZE_MAX)) return hl_allocation_failed(product);
  u32 size = (u32)product, address;
  if (HL_UNLIKELY(size >= hl.fast_limit)) {
    void *pointer = hl_allocate_slow(size, HL_ALIGNMENT);
    if (pointer && !hl.taken_zero) hl_zero_block((u32)pointer, size);
    HL_ASSERT_EXPENSIVE(!pointer || hl_is_zero((u32)pointer, size));
    return pointer;
  }
  hl_node *node = hl_context();
  hl_span *span;
  hl_block *block = hl_block_take(hl_class_of(size), &address, &span);
  if (HL_UNLIKELY(!block)) return hl_allocation_failed(size);
  int zero = span->zero && !(block->owner & HL_BLOCK_OWNER_MASK);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, 0), size);
  if (!zero) hl_zero_block(address, size);
  HL_ASSERT_EXPENSIVE(hl_is_zero(address, size));
  return (void *)address;
}

HL_SLOW void *hl_allocate_aligned(u32 alignment, u32 size) {
  return hl_allocate_slow(size, alignment < HL_ALIGNMENT ? HL_ALIGNMENT : alignment);
}

HL_INLINE int hl_power_of_two(u32 value) { return value && !(value & (value - 1)); }

/* C17 7.22.3.1. Since DR 460 a size that is no multiple of the alignment is allowed. */
HL_INLINE void *hl_aligned_alloc(u32 alignment, u32 size) {
  if (!hl_power_of_two(alignment)) {
    hl_set_errno(HL_EINVAL);
    return 0;
  }
  return hl_allocate_aligned(alignment, size);
}

/* As in glibc and dlmalloc, an alignment that is no power of two is rounded up to one. */
HL_INLINE void *hl_memalign(u32 alignment, u32 size) {
  if (alignment > 0x40000000u) return hl_allocation_failed(size);
  if (alignment > 1 && !hl_power_of_two(alignment)) alignment = 1u << (32 - __builtin_clz(alignment));
  return hl_allocate_aligned(alignment, size);
}

HL_INLINE int hl_posix_memalign(void **result, u32 alignment, u32 size) {
  if (!hl_power_of_two(alignment) || alignment < sizeof(void *)) return HL_EINVAL;
  void *pointer = hl_allocate_aligned(alignment, size);
  if (!pointer) return HL_ENOMEM;
  *result = pointer;
  return 0;
}

HL_INLINE void *hl_valloc(u32 size) { return hl_allocate_aligned(HL_PAGE, size); }
