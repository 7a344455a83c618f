/* shadow.c -- which bytes of memory the program may touch, for checks of its accesses.
 *
 * The shadow lies in the linear memory, one byte for each granule of 8 bytes (HL_SHADOW_*). Its encoding is that of
 * AddressSanitizer. The checks themselves are in the program's code, where instrumenting put them; they call
 * heapline_access only when the shadow is not 0 (access.c).
 *
 * All memory of the heap is closed, except for the bytes of blocks in use. Behind the bytes that were asked for, each
 * block has a redzone, which also lies before the next block. Static data and the stack are always open, and so is
 * what others take from the system.
 *
 *      | block | redzone | block | redzone | freed block        | redzone |
 *      | 00 05 |  fa fa  | 00 00 |  fa fa  | fd fd fd fd fd fd  |  fa fa  |
 */
#include "platform.h"

/* Blocks up to this size have the least redzone. */
#define HL_REDZONE_LEAST 16u
#define HL_REDZONE_MOST 128u

/* Room for a block: large blocks have a larger redzone, because programs miss them by more. */
HL_INLINE u32 hl_with_redzone(u32 size) {
  if (!hl.shadow.base) return size;
  u32 redzone = size >> 3;
  return size + (redzone < HL_REDZONE_LEAST ? HL_REDZONE_LEAST : redzone > HL_REDZONE_MOST ? HL_REDZONE_MOST : redzone);
}

#define HL_EIGHT_BYTES 0x0101010101010101u

/* Up to so many bytes a loop takes less time than V8's memory.fill. */
#define HL_FEW_SHADOW_BYTES 128u

/* Both addresses are those of granules. */
HL_INLINE void hl_shadow_fill(u32 from, u32 to, u8 value) {
  u8 *byte = (u8 *)(hl.shadow.base + (from >> HL_SHADOW_SHIFT));
  u8 *end = (u8 *)(hl.shadow.base + (to >> HL_SHADOW_SHIFT));
  if ((u32)(end - byte) > HL_FEW_SHADOW_BYTES) {
    __builtin_memset(byte, value, (u32)(end - byte));
    return;
  }
  u64 eight = HL_EIGHT_BYTES * value;
  for (; end - byte >= 8; byte += 8) __builtin_memcpy(byte, &eight, 8);
  while (byte < end) *byte++ = value;
}

/* Closes memory. Both addresses are those of granules. */
HL_INLINE void hl_shadow_poison(u32 from, u32 to, u8 value) {
  if (hl.shadow.base) hl_shadow_fill(from, to, value);
}

/* Opens the bytes of a block that is handed out, and closes the rest of its room. */
HL_INLINE void hl_shadow_open(u32 address, u32 size, u32 room) {
  if (!hl.shadow.base) return;
  u32 whole = size & -HL_SHADOW_GRANULE, rest = size & (HL_SHADOW_GRANULE - 1);
  if (room <= 8 * HL_SHADOW_GRANULE) {
    /* The shadow of the whole room is one word, of which as many bytes are written as there are granules. */
    u32 opened = whole; /* 8 bits for each granule */
    u64 shadow = opened < 64 ? HL_EIGHT_BYTES * HL_SHADOW_REDZONE << opened : 0;
    if (rest) shadow = (shadow & ~((u64)0xff << opened)) | (u64)rest << opened;
    u8 *at = (u8 *)(hl.shadow.base + (address >> HL_SHADOW_SHIFT));
    for (u32 left = room >> HL_SHADOW_SHIFT; left; left -= 2, at += 2, shadow >>= 16) {
      uint16_t two = (uint16_t)shadow;
      __builtin_memcpy(at, &two, 2);
    }
    return;
  }
  hl_shadow_fill(address, address + whole, 0);
  u32 closed = address + whole;
  if (rest) {
    *(u8 *)(hl.shadow.base + (closed >> HL_SHADOW_SHIFT)) = (u8)rest;
    closed += HL_SHADOW_GRANULE;
  }
  hl_shadow_fill(closed, address + room, HL_SHADOW_REDZONE);
}

/* Closes a block that was freed. */
HL_INLINE void hl_shadow_close(u32 address, u32 size) {
  hl_shadow_poison(address, address + ((size + HL_SHADOW_GRANULE - 1) & -HL_SHADOW_GRANULE), HL_SHADOW_FREED);
}
