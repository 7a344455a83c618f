/* access.c -- judging the accesses of the program, and setting the checks up.
 *
 * Code that was instrumented for it looks at the shadow (shadow.c) before it touches memory, and calls here when a
 * shadow byte is not 0. Most such accesses are right: they end in the last, partly open granule of a block. The others
 * are faults, with the block that they missed: the one whose end or beginning is nearest, as in AddressSanitizer.
 *
 * Only the first fault of each kind at each place is reported, because a loop would report thousands.
 */
#include "platform.h"

/* Places that are remembered. Faults at further places are not reported. */
#define HL_PLACES 1024u
#define HL_PLACES_MOST (HL_PLACES * 3 / 4)

/* The host asks for this before the first allocation. A module that has allocated in its start function cannot have a
 * shadow any more, because its heap lies there. */
static u32 hl_checks_set(u32 quarantine, u32 shadow, u32 shadow_bytes) {
  if (shadow_bytes) {
    if (hl.initialised || !hl_system_reserve(shadow, shadow + shadow_bytes)) return 0;
    hl.shadow.base = shadow;
    hl.shadow.bytes = shadow_bytes;
    u32 data = (u32)&__global_base & -HL_SHADOW_GRANULE;
    hl.shadow.null_end = data < HL_NULL_END ? data : HL_NULL_END;
    hl_shadow_fill(0, hl.shadow.null_end, HL_SHADOW_NULL);
  }
  if (!hl.initialised) hl_heap_initialise();
  hl.quarantine.limit = quarantine;
  hl_quarantine_empty(quarantine);
  hl_choose_paths();
  return 1;
}

HL_INLINE u8 hl_shadow_at(u32 address) { return *(const u8 *)(hl.shadow.base + (address >> HL_SHADOW_SHIFT)); }

/* The bytes of eight granules, whose shadow one load gives. */
#define HL_SHADOW_WORD (8 * HL_SHADOW_GRANULE)

HL_INLINE u64 hl_shadow_word(u32 address) {
  u64 shadow;
  __builtin_memcpy(&shadow, (const u8 *)(hl.shadow.base + (address >> HL_SHADOW_SHIFT)), 8);
  return shadow;
}

/* Whether a range is open, when that can be said quickly. */
HL_INLINE int hl_access_is_surely_open(u32 address, u32 bytes) {
  /* All shadow bytes that are read are those of the shadow. */
  if ((address >> HL_SHADOW_SHIFT) + (u64)(bytes >> HL_SHADOW_SHIFT) + 16 > hl.shadow.bytes) return 0;
  if (!bytes) return 1;
  u32 within = address & (HL_SHADOW_GRANULE - 1);
  address -= within;
  bytes += within;
  for (; bytes > HL_SHADOW_WORD; bytes -= HL_SHADOW_WORD, address += HL_SHADOW_WORD)
    if (hl_shadow_word(address)) return 0;
  u64 shadow = hl_shadow_word(address);
  u32 last = bytes - 1, before = 8 * (last >> HL_SHADOW_SHIFT); /* bits of the granules before the last */
  if (shadow << 8 << (56 - before)) return 0;
  signed char open = (signed char)(shadow >> before);
  return !open || (int)(last & (HL_SHADOW_GRANULE - 1)) < open;
}

/* Finds the first of these bytes that the program must not touch. What lies outside of the memory traps by itself. */
static int hl_access_is_bad(u32 address, u32 bytes, u32 *bad) {
  u64 memory = (u64)__builtin_wasm_memory_size(0) * HL_WASM_PAGE;
  u64 at = address, end = at + bytes;
  if (end > memory) end = memory;
  if (end > (u64)hl.shadow.bytes << HL_SHADOW_SHIFT) end = (u64)hl.shadow.bytes << HL_SHADOW_SHIFT;
  while (at < end) {
    if (!(at & 63) && end - at >= 64 && !*(const u64 *)(hl.shadow.base + (u32)(at >> HL_SHADOW_SHIFT))) {
      at += 64;
      continue;
    }
    u8 shadow = hl_shadow_at((u32)at);
    u64 granule = at & -(u64)HL_SHADOW_GRANULE;
    if (shadow) {
      u64 open = granule + (shadow < HL_SHADOW_GRANULE ? shadow : 0);
      if (open < at) open = at;
      if (end <= open) return 0;
      *bad = (u32)open;
      return 1;
    }
    at = granule + HL_SHADOW_GRANULE;
  }
  return 0;
}

/* The kind of a fault, by what the shadow says of the first bad byte. */
static u32 hl_access_kind(u32 bad) {
  u8 shadow = hl_shadow_at(bad);
  if (shadow < HL_SHADOW_GRANULE) shadow = hl_shadow_at(bad + HL_SHADOW_GRANULE);
  switch (shadow) {
    case HL_SHADOW_FREED: return HL_FAULT_USE_AFTER_FREE;
    case HL_SHADOW_POISONED: return HL_FAULT_USE_AFTER_POISON;
    case HL_SHADOW_NULL: return HL_FAULT_NULL_ACCESS;
    case HL_SHADOW_STACK_LEFT: return HL_FAULT_STACK_UNDERFLOW;
    case HL_SHADOW_STACK_MIDDLE:
    case HL_SHADOW_STACK_RIGHT: return HL_FAULT_STACK_OVERFLOW;
    case HL_SHADOW_SCOPE: return HL_FAULT_USE_AFTER_SCOPE;
    case HL_SHADOW_ALLOCA_LEFT:
    case HL_SHADOW_ALLOCA_RIGHT: return HL_FAULT_DYNAMIC_STACK_OVERFLOW;
    case HL_SHADOW_GLOBAL: return HL_FAULT_GLOBAL_OVERFLOW;
    default: return HL_FAULT_OVERFLOW;
  }
}

/* A block, in use or freed, and where it is. */
typedef struct hl_neighbour {
  hl_block *block; /* null when there is none */
  hl_span *span;
  u32 address, size;
} hl_neighbour;

static hl_neighbour hl_neighbour_of(hl_span *span, u32 index) {
  hl_neighbour found = {0};
  if (index >= span->blocks) return found;
  hl_block *block = &span->metadata[index];
  if (!(block->owner & HL_BLOCK_OWNER_MASK)) return found;
  found.block = block;
  found.span = span;
  found.address = span->base + index * span->block_size;
  found.size = block->owner & HL_BLOCK_FREED ? hl_freed_size(found.address, span) : block->requested;
  return found;
}

/* The block that starts at this address, at the beginning of a page. */
static hl_neighbour hl_neighbour_at(u32 address) {
  u32 page = hl_page_of(address);
  hl_span *span = page < hl.map_pages ? hl.map[page] : 0;
  return span && span->kind == HL_KIND_BLOCKS && span->base == address ? hl_neighbour_of(span, 0) : (hl_neighbour){0};
}

/* Whether the shadow has this byte as one of the block: a freed block is closed up to the end of its last granule. */
static int hl_has_byte(hl_neighbour near, u32 byte) {
  u32 size = near.block->owner & HL_BLOCK_FREED ? (near.size + HL_SHADOW_GRANULE - 1) & -HL_SHADOW_GRANULE : near.size;
  return byte - near.address < size;
}

/* The block that a bad byte belongs to, or whose end or beginning is nearest. */
static hl_neighbour hl_nearest_block(u32 bad) {
  u32 page = hl_page_of(bad), next = (page + 1) << HL_PAGE_SHIFT;
  hl_span *span = page < hl.map_pages ? hl.map[page] : 0;
  if (!span) return hl_neighbour_at(next);
  hl_neighbour left = {0}, right = {0};
  if (span->kind != HL_KIND_BLOCKS) {
    left = span->own.owner & HL_BLOCK_OWNER_MASK ? hl_neighbour_of(span, 0) : left;
    if (left.block && hl_has_byte(left, bad)) return left;
    return hl_neighbour_at(next);
  }
  if (bad < span->base)
    right = hl_neighbour_of(span, 0);
  else {
    u32 index = (bad - span->base) / span->block_size;
    left = hl_neighbour_of(span, index);
    if (left.block && hl_has_byte(left, bad)) return left;
    right = index + 1 < span->blocks ? hl_neighbour_of(span, index + 1)
                                     : hl_neighbour_at(span->start + (span->pages << HL_PAGE_SHIFT));
  }
  if (!left.block || !right.block) return left.block ? left : right;
  int left_in_use = !(left.block->owner & HL_BLOCK_FREED), right_in_use = !(right.block->owner & HL_BLOCK_FREED);
  if (left_in_use != right_in_use) return left_in_use ? left : right;
  return bad - (left.address + left.size) < right.address - bad ? left : right;
}

/* The cell around a bad byte; null when there is none. */
static const hl_cell *hl_cell_around(u32 bad) {
  for (const hl_chunk *chunk = rt.first_cell_chunk; chunk; chunk = chunk->next) {
    const hl_cell *cells = (const hl_cell *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++) {
      if (cells[i].holder && bad - cells[i].key.address < hl_cell_size(&cells[i])) return &cells[i];
    }
  }
  return 0;
}

/* The block that a bad byte belongs to or misses. */
static hl_neighbour hl_accessed_block(u32 bad) {
  const hl_cell *cell = hl_cell_around(bad);
  if (!cell) return hl_nearest_block(bad);
  return (hl_neighbour){
      .block = (hl_block *)&cell->block,
      .address = cell->key.address,
      .size = hl_cell_size(cell),
  };
}

/* Whether a fault is the first one of its kind at its place. From then on it is known. */
static int hl_access_is_new(u32 site, u32 kind) {
  if (!hl.shadow.reported) {
    hl.shadow.reported = hl_metadata_allocate(HL_PLACES * sizeof(u32));
    if (!hl.shadow.reported) return 1;
    hl_zero(hl.shadow.reported, HL_PLACES * sizeof(u32));
  }
  u32 place = site << 5 | kind;
  u32 at = (place * 0x9e3779b1u) >> 22;
  for (; hl.shadow.reported[at]; at = (at + 1) & (HL_PLACES - 1))
    if (hl.shadow.reported[at] == place) return 0;
  if (hl.shadow.reported_count == HL_PLACES_MOST) return 0;
  hl.shadow.reported_count++;
  hl.shadow.reported[at] = place;
  return 1;
}

HL_COLD void hl_describe_variable(hl_fault *record);
HL_INLINE int hl_is_end_of_frame(u32 address, u32 bytes);

HL_COLD void hl_access_report(hl_fault *record) {
  if (record->kind >= HL_FAULT_STACK_OVERFLOW)
    hl_describe_variable(record);
  else if (record->kind != HL_FAULT_NULL_ACCESS) {
    hl_neighbour near = hl_accessed_block(record->bad);
    if (near.block) {
      record->block = near.address;
      record->block_size = near.size;
      record->alloc_context = (u32)hl_block_context(near.block);
      if (near.block->owner & HL_BLOCK_FREED) record->free_context = (u32)hl_block_freer(near.block);
    } else if (record->kind == HL_FAULT_OVERFLOW)
      record->kind = HL_FAULT_WILD_ACCESS;
  }
  record->context = (u32)hl_context();
  hl_fault_tell(record);
}

/* Near address 0 lies the end of a stack that is below the data: what is above the stack pointer is in use. */
HL_INLINE int hl_is_in_stack(u32 address) { return address >= (u32)__builtin_frame_address(0); }

/* Functions that call nothing keep up to so many bytes below the stack pointer. Checks call the runtime from inside of
 * them, so what it keeps on the stack has to lie further down. */
#define HL_RED_ZONE 128u

/* Leaves room for such bytes in the frame of the function that it stands in, which must have nothing else there. */
#define HL_SPARE_RED_ZONE                                                                                              \
  u8 red_zone[HL_RED_ZONE];                                                                                            \
  __asm__ volatile("" : : "r"(red_zone) : "memory")

HL_SLOW void hl_access_report_bad(u32 address, u32 bytes, u32 writes, u32 site) {
  u32 bad;
  if (!hl.shadow.base || !hl_access_is_bad(address, bytes, &bad)) return;
  if (bad < hl.shadow.null_end && hl_is_in_stack(bad)) return;
  u32 kind = hl_access_kind(bad);
  if (kind == HL_FAULT_STACK_UNDERFLOW && writes && hl_is_end_of_frame(address, bytes)) return;
  if (!hl_access_is_new(site, kind)) return;
  hl_fault record = {
      .kind = kind,
      .address = address,
      .bad = bad,
      .access_size = bytes,
      .access_writes = writes,
      .access_site = site,
  };
  hl_access_report(&record);
}

/* Judges an access that is not surely right. */
HL_SLOW void hl_access_look(u32 address, u32 bytes, u32 writes, u32 site) {
  HL_SPARE_RED_ZONE;
  hl_access_report_bad(address, bytes, writes, site);
}

HL_INLINE void hl_access_judge(u32 address, u32 bytes, u32 writes, u32 site) {
  if (!hl_access_is_surely_open(address, bytes)) hl_access_look(address, bytes, writes, site);
}

static u32 hl_access_string(u32 address, u32 most, u32 site) {
  u64 memory = (u64)__builtin_wasm_memory_size(0) * HL_WASM_PAGE;
  u32 length = 0;
  while (length < most && address + (u64)length < memory)
    if (!*(const u8 *)(address + length++)) break;
  hl_access_judge(address, length, 0, site);
  return length;
}
