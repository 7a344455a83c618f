/* quarantine.c -- freed blocks that wait before they are used again.
 *
 * As long as a freed block waits, its address is not handed out. So a second free of it, or an access, is told from
 * one of the block that would have come after it. The blocks wait in a ring in the order in which they were freed, until
 * they take more bytes than the host allows. Then the first ones go. A block that is larger than that does not wait.
 *
 * A waiting block has HL_BLOCK_FREED and the place where it was freed, as a free block has. It still counts among the
 * used blocks of its span, and in place of the next free block it has HL_QUARANTINED.
 */
#include "platform.h"

#define HL_FIRST_KEPT 256u
/* When the quarantine is full, this part of its blocks goes. */
#define HL_RELEASED_SHARE 64u

HL_INLINE hl_kept *hl_kept_at(u32 index) {
  return &hl.quarantine.entries[(hl.quarantine.first + index) & (hl.quarantine.capacity - 1)];
}

/* Lets the block that has waited longest go. */
HL_INLINE void hl_quarantine_release(void) {
  hl_kept kept = *hl_kept_at(0);
  hl.quarantine.first++;
  hl.quarantine.count--;
  hl_span *span = hl.map[hl_page_of(kept.address)];
  u32 index = (u32)((u64)(kept.address - span->base) * span->reciprocal >> 32);
  hl.quarantine.bytes -= span->block_size;
  hl_block_put_waiting(span, span->metadata + index, index);
}

/* Lets blocks go until the others take at most `most` bytes. */
static void hl_quarantine_empty(u32 most) {
  while (hl.quarantine.count && hl.quarantine.bytes > most) hl_quarantine_release();
}

/* Makes room for more blocks. Getting memory may let blocks go. */
HL_SLOW int hl_quarantine_grow(void) {
  u32 before = hl.quarantine.capacity, capacity = before ? before * 2 : HL_FIRST_KEPT;
  hl_kept *entries = hl_metadata_allocate(capacity * sizeof(hl_kept));
  if (!entries) return 0;
  for (u32 i = 0; i < hl.quarantine.count; i++) entries[i] = *hl_kept_at(i);
  if (before) hl_metadata_release(hl.quarantine.entries, before * sizeof(hl_kept));
  hl.quarantine.entries = entries;
  hl.quarantine.capacity = capacity;
  hl.quarantine.first = 0;
  return 1;
}

/* Whether there is room for one more block. */
HL_INLINE int hl_quarantine_has_room(void) {
  return HL_LIKELY(hl.quarantine.count < hl.quarantine.capacity) || hl_quarantine_grow();
}

/* Takes a block that was freed, and that the ledger has counted as freed. */
HL_INLINE void hl_quarantine_put(hl_span *span, hl_block *block, u32 index, hl_place freer) {
  u32 address = span->base + index * span->block_size, requested = block->requested, room = span->block_size;
  hl_shadow_close(address, requested);
  if (room > hl.quarantine.limit || !hl_quarantine_has_room()) {
    hl_block_put(span, block, index, freer);
    return;
  }
  block->owner |= HL_BLOCK_FREED;
  hl_block_set_freed(block, freer | (u64)HL_QUARANTINED << (32 + HL_NEXT_FREE_SHIFT));
  *hl_kept_at(hl.quarantine.count++) = (hl_kept){address, requested};
  u32 bytes = hl.quarantine.bytes += room, limit = hl.quarantine.limit;
  /* Several blocks go at a time, which takes less time than one after each free. */
  if (HL_UNLIKELY(bytes > limit)) hl_quarantine_empty(limit - limit / HL_RELEASED_SHARE);
}

/* How many bytes a freed block had. Once its memory may be used again, only its room is known. */
static u32 hl_freed_size(u32 address, const hl_span *span) {
  for (u32 i = hl.quarantine.count; i-- > 0;)
    if (hl_kept_at(i)->address == address) return hl_kept_at(i)->requested;
  return span->block_size;
}
