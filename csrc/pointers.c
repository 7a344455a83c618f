/* pointers.c -- what a word found by the leak scan points to, and whether it counts as a pointer to the start.
 *
 * The rules are those of Valgrind's memcheck (mc_leakcheck.c) with all its heuristics, --leak-check-heuristics=all. A
 * word is a pointer to a block when it is aligned and its value lies in the bytes that were asked for, or is the
 * address of an empty block. A pointer into the middle makes a block possibly reached. There are four exceptions, in
 * which the bytes before show that nobody would keep a pointer to the start. A pointer to
 *
 *   stdstring            the characters that follow length, capacity and a count of references
 *   length64             the bytes that follow their own length in 64 bits
 *   newarray             the first element that follows the count that C++'s new[] puts before elements with a destructor
 *   multipleinheritance  a base class, with a table of virtual functions, of a C++ object
 *
 * counts as a pointer to the start.
 */
#include "platform.h"

/* Static data, as the linker laid it out. */
extern u8 __global_base, __data_end;

HL_INLINE u32 hl_word_at(u32 address) { return *(const u32 *)address; }

/* The word before the one that a pointer to a virtual table points to, and the word before that: Itanium C++ ABI,
 * 2.5.2. */
HL_INLINE u32 hl_vtable_type(u32 vtable) { return hl_word_at(vtable - 4); }
HL_INLINE u32 hl_vtable_offset_to_top(u32 vtable) { return hl_word_at(vtable - 8); }

HL_INLINE int hl_may_be_vtable(u32 address) {
  return !(address & 3) && address >= (u32)&__global_base + 8 && address < (u32)&__data_end;
}

/* Whether an object with virtual functions starts at `address` and has a base class of that kind `offset` bytes into
 * it. For Valgrind any two words that point to function pointers are such an object. The ABI says more: the tables of
 * one object name the same type (or none, without run-time types), and each has the way back to the start. */
static int hl_is_base_class(u32 address, u32 offset) {
  u32 own = hl_word_at(address), base = hl_word_at(address + offset);
  return hl_may_be_vtable(own) && hl_may_be_vtable(base) && hl_vtable_offset_to_top(own) == 0 &&
         hl_vtable_offset_to_top(base) == -offset && hl_vtable_type(own) == hl_vtable_type(base);
}

/* Whether a pointer into the middle of a block, `offset` bytes from its start at `address`, counts as one to the
 * start. */
HL_SLOW int hl_is_known_layout(u32 address, u32 offset, u32 requested) {
  if (offset & 3 || offset + 4 > requested) return 0;
  u32 rest = requested - offset;
  if (offset == 4) {
    u32 count = hl_word_at(address);
    if (count && rest % count == 0) return 1;
  } else if (offset == 8) {
    u32 low = hl_word_at(address), high = hl_word_at(address + 4);
    if (low == rest && high == 0) return 1;
    /* Before elements that are aligned to 8 bytes, the count takes the second half of 8 bytes: ABI, 2.7. */
    if (high && rest % high == 0 && rest / high % 8 == 0) return 1;
  } else if (offset == 12) {
    u32 length = hl_word_at(address), capacity = hl_word_at(address + 4);
    if (capacity + 1 == rest && length <= capacity) return 1;
  }
  return hl_is_base_class(address, offset);
}

HL_INLINE int hl_is_start(u32 address, u32 offset, u32 requested) {
  return offset == 0 || hl_is_known_layout(address, offset, requested);
}
