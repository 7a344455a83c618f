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

#define HL_SHADOW_STEP_LEAST ((1u << 20) / HL_PAGE)
#define HL_SHADOW_STEP_MOST ((16u << 20) / HL_PAGE)

#define HL_EIGHT_BYTES 0x0101010101010101u

/* Up to so many bytes a loop takes less time than V8's memory.fill. */
#define HL_FEW_SHADOW_BYTES 128u

/* Both addresses are those of granules. Stores are wide, because a check that reads several bytes of the shadow would wait
 * for narrower ones. */
HL_INLINE void hl_shadow_fill(u32 from, u32 to, u8 value) {
  u8 *byte = (u8 *)(hl.shadow.base + (from >> HL_SHADOW_SHIFT));
  u8 *end = (u8 *)(hl.shadow.base + (to >> HL_SHADOW_SHIFT));
  u32 length = (u32)(end - byte);
  if (length > HL_FEW_SHADOW_BYTES) {
    __builtin_memset(byte, value, length);
    return;
  }
  u64 eight = HL_EIGHT_BYTES * value;
  if (length >= 8) {
    for (; end - byte > 8; byte += 8) __builtin_memcpy(byte, &eight, 8);
    __builtin_memcpy(end - 8, &eight, 8);
  } else if (length >= 4) {
    __builtin_memcpy(byte, &eight, 4);
    __builtin_memcpy(end - 4, &eight, 4);
  } else if (length >= 2) {
    __builtin_memcpy(byte, &eight, 2);
    __builtin_memcpy(end - 2, &eight, 2);
  } else if (length)
    *byte = value;
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
    /* The shadow of the whole room is one word, of which as many bytes are written as there are granules: 2, 4, 6 or 8. */
    u32 opened = whole; /* 8 bits for each granule */
    u64 shadow = opened < 64 ? HL_EIGHT_BYTES * HL_SHADOW_REDZONE << opened : 0;
    if (rest) shadow = (shadow & ~((u64)0xff << opened)) | (u64)rest << opened;
    u8 *at = (u8 *)(hl.shadow.base + (address >> HL_SHADOW_SHIFT));
    if (room == 8 * HL_SHADOW_GRANULE) {
      __builtin_memcpy(at, &shadow, 8);
      return;
    }
    if (room & 4 * HL_SHADOW_GRANULE) {
      __builtin_memcpy(at, &shadow, 4);
      at += 4;
      shadow >>= 32;
    }
    if (room & 2 * HL_SHADOW_GRANULE) __builtin_memcpy(at, &shadow, 2);
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

/* The number of pages by which the heap grows while there is a shadow: the shadow makes the memory large from the start, and
 * each step makes V8 count all of it again (on Node.js 20 half a millisecond goes by). Pages that nobody touches cost
 * nothing. */
HL_INLINE u32 hl_shadow_step(void) {
  u32 pages = rt.heap_bytes >> (HL_PAGE_SHIFT + 3);
  return pages < HL_SHADOW_STEP_LEAST ? HL_SHADOW_STEP_LEAST : pages > HL_SHADOW_STEP_MOST ? HL_SHADOW_STEP_MOST : pages;
}
