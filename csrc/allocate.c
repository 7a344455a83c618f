/* allocate.c -- malloc, calloc, the aligned family; taking blocks and handing them out.
 *
 * The fast path is one comparison (size below hl.fast_limit), the context, a pop from the current span's free
 * list, the ledger. Everything rare sits behind that comparison: the first call ever, large sizes, tracing.
 *
 * Exhaustion: NULL and ENOMEM, and nothing else changes. Block metadata is allocated before the block's pages,
 * contexts fall back to their parent, so running out anywhere inside is an ordinary failed allocation.
 */
#include "platform.h"

static void hl_fast_limit_set(void) { hl.fast_limit = rt.flags & HL_FLAG_TRACE ? 0 : HL_SMALL_MAX + 1; }

HL_COLD void hl_heap_initialise(void) {
  hl.initialised = 1;
  hl_structs_add(&hl_first_span_chunk.header, HL_ARRAY_LENGTH(hl_first_span_chunk.spans));
  hl_classes_initialise();
  hl.contexts = hl_first_contexts;
  hl.contexts_shift = 32 - (u32)__builtin_ctz(HL_FIRST_CONTEXTS);
  hl.last_chunk = &hl_first_chunk.header;
  heapline_shadow[0].node = rt.root_node;
  rt.root_node->link = (u32)&hl_root_account | HL_NODE_LINK_ACCOUNT;
  hl_root_account.node = rt.root_node;
  hl_root_account.children = (u32)&hl_no_child;
  hl_fast_limit_set();
}

void heapline_set_flags(u32 flags) {
  rt.flags = flags;
  if (hl.initialised) hl_fast_limit_set();
}

/* There is no memory for `size` bytes. The host writes down where: that is rare enough to tell it each time. */
HL_COLD void *hl_allocation_failed(u64 size) {
  if (!hl.initialised) hl_heap_initialise();
  hl_failure = (hl_fault){
      .kind = HL_FAULT_NO_MEMORY,
      .context = (u32)hl_context(),
      .block = (u32)(size >> 32),
      .block_size = (u32)size,
  };
  rt.failed++;
  heapline_host_fault(&hl_failure);
  hl_set_errno(HL_ENOMEM);
  return 0;
}

/* Takes a free block of the class; null when memory is exhausted. *address is its address. */
HL_INLINE hl_block *hl_block_take(u32 class, u32 *address, hl_span **from) {
  hl_span *span = hl.current[class];
  u32 index = span->free;
  if (HL_UNLIKELY(index == HL_NO_BLOCK)) {
    span = hl_class_refill(class);
    if (!span) return 0;
    index = span->free;
  }
  hl_block *block = span->metadata + index;
  span->free = hl_block_next_free(block);
  span->used++;
  *address = span->base + index * span->block_size;
  *from = span;
  return block;
}

/* Any size, any alignment. hl.taken_zero tells whether the block's bytes are known to be zero. */
HL_SLOW hl_block *hl_block_take_slow(u32 size, u32 alignment, u32 *address) {
  hl_span *span;
  hl_block *block;
  if (size <= HL_SMALL_MAX && alignment <= HL_PAGE) {
    /* A block size that is a multiple of the alignment aligns (hl_class_alignment). Such a class exists: the
     * next power of two at the latest. */
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

/* Counts the first allocation of a context. Returns the owner of the block. */
HL_INLINE u32 hl_ledger_allocate_first_here(hl_node *node, u32 size) {
  if (hl_is_bud(node)) {
    hl_bud_ledger_allocate((hl_bud *)node, size);
    return (u32)node | HL_BLOCK_BUD;
  }
  hl_account *account = hl_account_charged(node);
  hl_ledger_allocate_to(account, size);
  return (u32)account;
}

HL_SLOW u32 hl_ledger_allocate_first(hl_node *node, u32 size) { return hl_ledger_allocate_first_here(node, size); }

HL_INLINE u32 hl_ledger_allocate(hl_node *node, u32 size, int first_is_likely) {
  if (!hl_has_account(node))
    return (first_is_likely ? hl_ledger_allocate_first_here : hl_ledger_allocate_first)(node, size);
  hl_account *account = hl_account_of(node);
  hl_ledger_allocate_to(account, size);
  return (u32)account;
}

/* Writes a taken block into the books: it is the program's from here on. */
HL_INLINE void hl_block_hand_out(hl_block *block, u32 owner, u32 size) {
  block->owner = owner;
  block->requested = size;
  block->serial = (u32)rt.alloc_objects;
}

HL_COLD void hl_trace(u32 address, u32 size, hl_node *node) { heapline_host_trace(address, size, (u32)node); }

HL_SLOW void *hl_allocate_slow(u32 size, u32 alignment) {
  if (!hl.initialised) hl_heap_initialise();
  if (size > HL_SIZE_MAX || alignment > HL_SIZE_MAX || size + alignment > HL_SIZE_MAX)
    return hl_allocation_failed(size);
  hl_node *node = hl_context();
  u32 address;
  hl_block *block = hl_block_take_slow(size, alignment, &address);
  if (!block) return hl_allocation_failed(size);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, 0), size);
  if (rt.flags & HL_FLAG_TRACE) hl_trace(address, size, node);
  return (void *)address;
}

HL_INLINE void *hl_allocate_small(hl_node *node, u32 size, int first_is_likely) {
  u32 address;
  hl_span *span;
  hl_block *block = hl_block_take(hl_class_of(size), &address, &span);
  if (HL_UNLIKELY(!block)) return hl_allocation_failed(size);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, first_is_likely), size);
  return (void *)address;
}

/* A small block in a context that takes a search; in one function, because programs of ever new contexts live here. */
HL_SLOW void *hl_allocate_resolving(u32 size) { return hl_allocate_small(hl_context_resolve_here(rt.top, 1), size, 1); }

void *malloc(size_t size) {
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

void *calloc(size_t count, size_t each) {
  u64 product = (u64)count * each;
  if (HL_UNLIKELY(product > HL_SIZE_MAX)) return hl_allocation_failed(product);
  u32 size = (u32)product, address;
  if (HL_UNLIKELY(size >= hl.fast_limit)) {
    void *pointer = hl_allocate_slow(size, HL_ALIGNMENT);
    if (pointer && !hl.taken_zero) hl_zero(pointer, size);
    return pointer;
  }
  hl_node *node = hl_context();
  hl_span *span;
  hl_block *block = hl_block_take(hl_class_of(size), &address, &span);
  if (HL_UNLIKELY(!block)) return hl_allocation_failed(size);
  int zero = span->zero && !(block->owner & HL_BLOCK_OWNER_MASK);
  hl_block_hand_out(block, hl_ledger_allocate(node, size, 0), size);
  if (!zero) hl_zero_block(address, size);
  return (void *)address;
}

HL_SLOW void *hl_allocate_aligned(u32 alignment, u32 size) {
  return hl_allocate_slow(size, alignment < HL_ALIGNMENT ? HL_ALIGNMENT : alignment);
}

HL_INLINE int hl_power_of_two(u32 value) { return value && !(value & (value - 1)); }

/* C17 7.22.3.1; a size that is no multiple of the alignment is allowed since DR 460. */
void *aligned_alloc(size_t alignment, size_t size) {
  if (!hl_power_of_two(alignment)) {
    hl_set_errno(HL_EINVAL);
    return 0;
  }
  return hl_allocate_aligned(alignment, size);
}

/* As in glibc and dlmalloc, an alignment that is no power of two is rounded up to one. */
void *memalign(size_t alignment, size_t size) {
  if (alignment > 0x40000000u) return hl_allocation_failed(size);
  if (alignment > 1 && !hl_power_of_two(alignment)) alignment = 1u << (32 - __builtin_clz(alignment));
  return hl_allocate_aligned(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (!hl_power_of_two(alignment) || alignment < sizeof(void *)) return HL_EINVAL;
  void *pointer = hl_allocate_aligned(alignment, size);
  if (!pointer) return HL_ENOMEM;
  *result = pointer;
  return 0;
}

void *valloc(size_t size) { return hl_allocate_aligned(HL_PAGE, size); }
