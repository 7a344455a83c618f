/* valid.c -- walks over whole structures, for the assertions of level 3 (debug.h). At lower levels this file is
 * empty.
 *
 * check.c already knows every invariant of the heap and the ledger, because the host asks for it. Here its checks are
 * asked in the middle of a run: of the span that an operation has just changed, and of everything every now and then.
 */
#include "platform.h"

#if HL_DEBUG >= 3

/* Whether a span that holds blocks agrees with the page map and with its own metadata. */
static int hl_span_is_valid(const hl_span *span) {
  hl_heap_sums sums = {0};
  return !hl_check_span(span, &sums);
}

static int hl_is_zero(u32 address, u32 size) {
  const u8 *byte = (const u8 *)address, *end = byte + size;
  while (byte < end)
    if (*byte++) return 0;
  return 1;
}

/* Whether the children of a narrow node form a ring. */
static int hl_ring_is_valid(hl_node *parent) {
  u32 children = *hl_children(parent), count = 0;
  if (children & HL_WIDE) return 1;
  const hl_node *last = hl_last_child(children), *node = last;
  if (last == &hl_start.no_child) return 1;
  do {
    if (node->parent != parent || ++count > HL_NARROW) return 0;
    node = node->next_sibling;
  } while (node != last);
  return 1;
}

/* To be asked after every operation of the program. Mostly it only counts: the larger the heap, the more operations
 * pass before everything is checked again, so that on average an operation pays for a few blocks and contexts. */
static int hl_is_valid_now(void) {
  if (hl.operations++ < hl.next_validation) return 1;
  u32 objects = (u32)rt.alloc_objects - rt.freed_objects;
  hl.next_validation = hl.operations + 64 + (rt.contexts + objects) / 8;
  return !hl_check(HL_CHECK_TREE | HL_CHECK_HEAP);
}

#endif
