/* poison.c -- memory that the program opens and closes itself, where accesses are checked.
 *
 * The rules are those of AddressSanitizer (ASAN_POISON_MEMORY_REGION). A granule that is only partly in the region is
 * closed from the region's start on when the rest of it is in the region. Otherwise it stays as it is, because the shadow
 * cannot say that only its first bytes are closed. Opening opens a partial granule at the start as a whole. Without checks
 * of accesses nothing happens.
 */
#include "platform.h"

HL_INLINE u8 *hl_shadow_byte(u32 address) { return (u8 *)(hl.shadow.base + (address >> HL_SHADOW_SHIFT)); }

/* Where a region ends, so that it wraps around nowhere and has a shadow. */
HL_COLD u32 hl_region_end(u32 start, u32 size) {
  u64 end = (u64)start + size, most = (u64)hl.shadow.bytes << HL_SHADOW_SHIFT;
  if (most > 0xfffffff8u) most = 0xfffffff8u;
  return (u32)(end < most ? end : most);
}

HL_COLD void hl_memory_close(u32 start, u32 size, u8 value) {
  if (!hl.shadow.base) return;
  u32 end = hl_region_end(start, size), to = end & -HL_SHADOW_GRANULE;
  u32 open = start & (HL_SHADOW_GRANULE - 1), from = (start + HL_SHADOW_GRANULE - 1) & -HL_SHADOW_GRANULE;
  if (open && from <= to && from > start) {
    u8 *byte = hl_shadow_byte(start);
    if (*byte == 0 || (*byte < HL_SHADOW_GRANULE && *byte > open)) *byte = (u8)open;
  }
  if (from < to) hl_shadow_fill(from, to, value);
  /* The rest of a block whose last granule is partly open. */
  u32 rest = end & (HL_SHADOW_GRANULE - 1);
  if (rest && to >= from && to >= start) {
    u8 *byte = hl_shadow_byte(to);
    if (*byte && *byte < HL_SHADOW_GRANULE && *byte <= rest) *byte = value;
  }
}

HL_COLD void hl_memory_open(u32 start, u32 size) {
  if (!hl.shadow.base || !size) return;
  u32 end = hl_region_end(start, size), to = end & -HL_SHADOW_GRANULE, from = start & -HL_SHADOW_GRANULE;
  if (from < to) hl_shadow_fill(from, to, 0);
  u32 rest = end & (HL_SHADOW_GRANULE - 1);
  if (!rest || to < from) return;
  u8 *byte = hl_shadow_byte(to);
  if (*byte >= HL_SHADOW_GRANULE || (*byte && *byte < rest)) *byte = (u8)rest;
}
