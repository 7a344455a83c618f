/* variables.c -- stack and global variables between redzones, where accesses are checked.
 *
 * clang lays them out: -fsanitize=address, with clang's own checks left out (src/compile/variable-layout.ts). A function
 * writes the shadow of its frame itself, which it finds through __asan_shadow_memory_dynamic_address. Global variables,
 * memory of alloca and large variables come here. What clang 14 to 22 expect is in LLVM's AddressSanitizer.cpp and
 * asan_interface_internal.h.
 *
 *      | magic, description, function |  a  | redzone |  b  | redzone |      a frame with two variables
 *      |            f1 f1             |  02 |   f2    |  00 |   f3    |      its shadow
 *
 * The description is a text: how many variables there are, and for each one its offset in the frame, its size, the length
 * of its name, and the name with its line: "2 16 2 3 a:7 48 8 3 b:8".
 */
#include "platform.h"

#define HL_FRAME_MAGIC 0x41b58ab3u
/* What a function writes over it when it is about to return. */
#define HL_RETIRED_MAGIC 0x45e0360eu

/* The redzones on both sides of memory that alloca gives. */
#define HL_ALLOCA_REDZONE 32u

/* The redzone before a global variable is the one behind its neighbour. So much of it counts. */
#define HL_GLOBAL_NEAR 64u

typedef struct hl_frame {
  u32 magic, description, function;
} hl_frame;

/* -- memory that clang's code asks to be closed and opened ---------------------------------------------------- */

/* Gives code that has this layout memory to write where there is no shadow: a byte for each granule below the heap,
 * because frames lie there. Nobody reads it. */
HL_COLD void hl_variables_begin(u32 *where) {
  if (*where) return;
  if (!hl.initialised) hl_heap_initialise();
  void *unread = hl_metadata_allocate((rt.heap_base >> HL_SHADOW_SHIFT) + HL_SHADOW_WORD);
  /* The program cannot run: its frames would overwrite it. */
  if (!unread) __builtin_trap();
  *where = (u32)unread;
}

/* Sets bytes of the shadow, whose addresses the code has computed. */
HL_INLINE void hl_shadow_set(u32 at, u32 size, u8 value) {
  u32 first = at - hl.shadow.base;
  if (hl.shadow.base && first <= hl.shadow.bytes && size <= hl.shadow.bytes - first)
    __builtin_memset((void *)at, value, size);
}

HL_COLD void hl_globals_add(hl_global *globals, u32 count) {
  if (!hl.shadow.base) return;
  hl_globals *list = hl_metadata_allocate(sizeof *list);
  if (list) {
    *list = (hl_globals){.next = hl.shadow.globals, .first = globals, .count = count};
    hl.shadow.globals = list;
  }
  for (u32 i = 0; i < count; i++) {
    u32 end = globals[i].start + globals[i].size;
    hl_memory_close(end, globals[i].start + globals[i].size_with_redzone - end, HL_SHADOW_GLOBAL);
  }
}

HL_COLD void hl_alloca_close(u32 address, u32 size) {
  u32 end = address + size, redzone = (end + HL_ALLOCA_REDZONE - 1) & -HL_ALLOCA_REDZONE;
  hl_memory_close(address - HL_ALLOCA_REDZONE, HL_ALLOCA_REDZONE, HL_SHADOW_ALLOCA_LEFT);
  hl_memory_close(end, redzone + HL_ALLOCA_REDZONE - end, HL_SHADOW_ALLOCA_RIGHT);
}

/* -- frames that end without returning ------------------------------------------------------------------------ */

extern u8 __data_end;

/* Opens the part of the stack between two addresses. */
HL_COLD void hl_stack_open(u32 from, u32 to) {
  from = (from + HL_SHADOW_GRANULE - 1) & -HL_SHADOW_GRANULE;
  to &= -HL_SHADOW_GRANULE;
  if (hl.shadow.base && from < to && (u64)to <= (u64)hl.shadow.bytes << HL_SHADOW_SHIFT) hl_shadow_fill(from, to, 0);
}

/* The stack lies before static data or behind it. Other stacks, such as those of fibers, are not known. */
HL_INLINE int hl_stack_is_first(u32 pointer) { return pointer <= (u32)&__global_base; }

/* A jump or an exception may leave all frames that there are. */
HL_COLD void hl_frames_may_end(u32 pointer) {
  u32 top = hl_stack_is_first(pointer) ? (u32)&__global_base : (u32)&__heap_base;
  hl_stack_open(pointer, top);
}

/* The host has cut off all frames below the stack pointer. */
HL_COLD void hl_frames_have_ended(u32 pointer) {
  if (pointer > (u32)&__heap_base) return;
  hl_stack_open(hl_stack_is_first(pointer) ? hl.shadow.null_end : (u32)&__data_end, pointer);
}

/* -- describing variables ------------------------------------------------------------------------------------- */

/* A byte of a text that the program may have damaged; 0 behind the end of memory. */
HL_INLINE u8 hl_byte_at(u32 address) { return address < hl_memory_end() ? *(const u8 *)address : 0; }

/* Reads a number and the blank behind it. */
HL_COLD u32 hl_number_at(u32 *at) {
  u32 value = 0;
  for (u8 digit; (digit = (u8)(hl_byte_at(*at) - '0')) < 10; ++*at) value = value * 10 + digit;
  if (hl_byte_at(*at) == ' ') ++*at;
  return value;
}

/* How far a byte is from a variable; 0 inside of it. The byte behind it and the one before it are equally far. */
HL_INLINE u32 hl_distance(u32 bad, u32 start, u32 size) {
  if (bad < start) return start - bad;
  return bad - start < size ? 0 : bad - start - size + 1;
}

/* The frame around a byte of it; 0 when none is found. */
HL_COLD u32 hl_frame_around(u32 bad) {
  u32 at = bad & -HL_SHADOW_GRANULE;
  while (at && hl_shadow_at(at) != HL_SHADOW_STACK_LEFT) at -= HL_SHADOW_GRANULE;
  while (at >= HL_SHADOW_GRANULE && hl_shadow_at(at - HL_SHADOW_GRANULE) == HL_SHADOW_STACK_LEFT)
    at -= HL_SHADOW_GRANULE;
  u32 magic = at ? ((const hl_frame *)at)->magic : 0;
  return magic == HL_FRAME_MAGIC || magic == HL_RETIRED_MAGIC ? at : 0;
}

/* Whether a function writes to the first word of its frame that the frame ends. */
HL_INLINE int hl_is_end_of_frame(u32 address, u32 bytes) {
  return bytes == sizeof(u32) && !(address & 3) && ((const hl_frame *)address)->magic == HL_FRAME_MAGIC;
}

/* Names the variable of a frame that a bad byte is nearest to. */
HL_COLD void hl_describe_in_frame(hl_fault *record) {
  const hl_frame *frame = (const hl_frame *)hl_frame_around(record->bad);
  if (!frame) return;
  record->variable_function = frame->function;
  u32 at = frame->description, nearest = ~0u;
  for (u32 left = hl_number_at(&at); left && hl_byte_at(at); left--) {
    u32 start = (u32)frame + hl_number_at(&at), size = hl_number_at(&at), length = hl_number_at(&at);
    if (length > hl_memory_end() - at) return;
    u32 distance = hl_distance(record->bad, start, size);
    if (distance < nearest) {
      nearest = distance;
      record->block = start;
      record->block_size = size;
      record->variable_name = at;
      record->variable_name_length = length;
    }
    at += length + 1;
  }
}

HL_COLD void hl_describe_global(hl_fault *record) {
  const hl_global *found = 0;
  u32 nearest = ~0u;
  for (const hl_globals *list = hl.shadow.globals; list; list = list->next) {
    for (const hl_global *each = list->first; each < list->first + list->count; each++) {
      if (record->bad + HL_GLOBAL_NEAR < each->start || record->bad >= each->start + each->size_with_redzone) continue;
      u32 distance = hl_distance(record->bad, each->start, each->size);
      if (distance > nearest || (distance == nearest && record->bad < each->start)) continue;
      nearest = distance;
      found = each;
    }
  }
  if (!found) return;
  record->block = found->start;
  record->block_size = found->size;
  record->variable_name = found->name;
  for (u32 at = found->name; hl_byte_at(at); at++) record->variable_name_length++;
}

/* Names memory of alloca, which has no name: where it starts and how large it is. */
HL_COLD void hl_describe_alloca(hl_fault *record) {
  u32 at = record->bad & -HL_SHADOW_GRANULE;
  if (hl_shadow_at(at) == HL_SHADOW_ALLOCA_LEFT) {
    while (hl_shadow_at(at) == HL_SHADOW_ALLOCA_LEFT) at += HL_SHADOW_GRANULE;
  } else {
    while (at && hl_shadow_at(at - HL_SHADOW_GRANULE) != HL_SHADOW_ALLOCA_LEFT) at -= HL_SHADOW_GRANULE;
  }
  record->block = at;
  while (!hl_shadow_at(at)) at += HL_SHADOW_GRANULE;
  record->block_size = at - record->block + (hl_shadow_at(at) < HL_SHADOW_GRANULE ? hl_shadow_at(at) : 0);
}

HL_COLD void hl_describe_variable(hl_fault *record) {
  if (record->kind == HL_FAULT_GLOBAL_OVERFLOW)
    hl_describe_global(record);
  else if (record->kind == HL_FAULT_DYNAMIC_STACK_OVERFLOW)
    hl_describe_alloca(record);
  else
    hl_describe_in_frame(record);
}

/* -- the one way in ------------------------------------------------------------------------------------------- */

HL_COLD void hl_variables(u32 what, u32 a, u32 b) {
  HL_SPARE_RED_ZONE;
  switch (what) {
    case HL_VARIABLES_BEGIN: hl_variables_begin((u32 *)a); break;
    case HL_VARIABLES_ALLOCA: hl_alloca_close(a, b); break;
    case HL_VARIABLES_ALLOCA_ENDS:
      if (a && a < b) hl_stack_open(a, b);
      break;
    case HL_VARIABLES_CLOSE: hl_memory_close(a, b, HL_SHADOW_SCOPE); break;
    case HL_VARIABLES_OPEN: hl_memory_open(a, b); break;
    case HL_VARIABLES_MAY_END: hl_frames_may_end((u32)__builtin_frame_address(0)); break;
    case HL_VARIABLES_HAVE_ENDED: hl_frames_have_ended(a); break;
    default: hl_shadow_set(a, b, (u8)what);
  }
}
