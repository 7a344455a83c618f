/* graph.c -- marking blocks by a compact graph of their pointers: for large heaps.
 *
 * In a large heap, following a pointer means waiting for memory again and again: for the block, for its metadata, for
 * the translation of both addresses. Nothing can be fetched ahead, because the memory that is waited for says where
 * to go next. Going through all blocks in the order of addresses costs a tenth of that. So this is done first, and
 * the pointers that are found are written down in so little memory that the caches hold it:
 *
 *   number   Blocks are numbered in the order of their addresses. A table by page leads from address to number.
 *   entry    One word for each block: its class, and the first pointer in it, as the number of the block it leads to.
 *   list     The other pointers of a block, if there are more: edges, one after the other, in the order of blocks. The
 *            start of a list is known for every 16th block only; those in between are found by counting.
 *
 *      address:  | block 0 | block 1 | block 2 | block 3 |
 *      entries:  | -> 2    | -> 3    | -> 0    | -> 1    |   class and first pointer
 *      lists:    | -> 1, -> 3 | -> 0 |                       of blocks 0 and 2
 *
 * Marking follows first pointers from entry to entry, which takes one look into 4 bytes for each block. A block that
 * is reached and has a list waits, marked in a bitmap. When few blocks wait, their lists are looked into in the order
 * in which the blocks came. When many wait, it is done in sweeps in the order of addresses, where the lists lie one
 * after the other and the entries that they lead to can be waited for together. It is a guess that the first pointer
 * is the one worth following: in a list that is linked both ways, the second one may be. When following leads nowhere
 * again and again, each block that is not reached yet puts its first pointer to the end of its list.
 *
 * A pointer into the middle of a block is an edge of two words, number and value. Its meaning is asked when it is
 * followed, because by then the block is mostly known to be reachable.
 *
 * Memory: 4.4 bytes for each block (the smallest block takes 28 with its metadata), 16 for each page, and at most a
 * quarter of the heap for lists. That is two fifths of the heap in the worst case. It is the runtime's own memory
 * while the scan lasts. Blocks whose lists find no room are looked into when their turn comes, as mark.c does with
 * all blocks.
 *
 * Ideas: marking in the order of addresses instead of the order of pointers goes back to Cher, Hosking and Vitek,
 * "Software prefetching for mark-sweep garbage collection" (2004). Their queue did not help here, because a list has
 * only one end to fetch from. Sweeping while much waits and following while little does is from Beamer, Asanovic and
 * Patterson, "Direction-optimizing breadth-first search" (2012).
 */
#include "platform.h"

/* Entry: class | HL_ENTRY_* | number of the block that the first pointer leads to << HL_ENTRY_SHIFT.
 * Of a block without room for its list: class | HL_ENTRY_LIST | address of the block. */
enum {
  HL_ENTRY_CLASS = 3,
  HL_ENTRY_FIRST = 4, /* has a first pointer */
  HL_ENTRY_LIST = 8, /* has more */
  HL_ENTRY_SHIFT = 4,
};

/* Edge: HL_EDGE_* | number << HL_EDGE_SHIFT. Or the address where the list goes on | HL_EDGE_ELSEWHERE. */
enum {
  HL_EDGE_INSIDE = 1, /* leads into the middle of the block; the next word is the pointer itself */
  HL_EDGE_ELSEWHERE = 2,
  HL_EDGE_LAST = 4,
  HL_EDGE_SHIFT = 3,
};
_Static_assert(HL_ALIGNMENT >= 1 << HL_ENTRY_SHIFT, "a block's address has room for the bits of an entry");

#define HL_GROUP 16u
#define HL_NO_NUMBER 0xffffffffu
/* Words of a block for which room in the lists is made at a time. */
#define HL_GRAPH_STEP 512u
/* When so many lists, looked into in the order in which they came, led to fewer than four blocks each, the guess was
 * bad. */
#define HL_GUESS_LISTS 4096u
#define HL_GUESS_LEAST 4u
/* The most changes of the guess: few blocks have more pointers than this, and each change goes through all lists. */
#define HL_GUESSES 6u

/* -- building ------------------------------------------------------------------------------------------ */

/* Empty spans are not given back for the graph, because they know who freed their blocks. */
static void *hl_graph_allocate(u32 bytes) {
  hl_structs_reserve();
  hl.refilling = 1;
  void *memory = hl_metadata_allocate(bytes);
  hl.refilling = 0;
  return memory;
}

static void hl_graph_forget(void) {
  if (!hl.graph.tables) return;
  for (hl_list_piece *piece = hl.graph.pieces, *next; piece; piece = next) {
    next = piece->next;
    hl_metadata_release(piece, piece->bytes);
  }
  hl_metadata_release(hl.graph.tables, hl.graph.tables_bytes);
  hl.graph.pieces = 0;
  hl.graph.tables = 0;
}

/* Goes on with another piece of memory for lists. */
HL_COLD int hl_graph_more(void) {
  u32 bytes = hl_start.limits.piece < hl.graph.lists_left ? hl_start.limits.piece : hl.graph.lists_left;
  if (bytes <= sizeof(hl_list_piece) + 4) return 0;
  hl_list_piece *piece = hl_graph_allocate(bytes);
  if (!piece) return 0;
  *piece = (hl_list_piece){hl.graph.pieces, bytes};
  hl.graph.pieces = piece;
  hl.graph.lists_left -= bytes;
  u32 *edge = (u32 *)(piece + 1);
  if (hl.graph.edge) *hl.graph.edge = (u32)edge | HL_EDGE_ELSEWHERE;
  hl.graph.edge = edge;
  hl.graph.edge_end = (u32 *)((u32)piece + bytes) - 1;
  return 1;
}

/* The number of the block around an address, and whether the address is inside the block instead of at its start. The
 * low word of the product tells: it is less than the reciprocal for multiples of the block size and for nothing else
 * (Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019). It says nothing of blocks that are free,
 * and of bytes behind those that were asked for. */
HL_INLINE int hl_graph_find(u32 value, const hl_numbering *numbering, u32 *number, u32 *inside) {
  u32 place = value - numbering->start;
  if (HL_LIKELY(place >= numbering->size)) return 0;
  const hl_numbered_page *page = numbering->pages + (place >> HL_PAGE_SHIFT);
  u64 product = (u64)(value - page->base) * page->reciprocal;
  u32 index = (u32)(product >> 32);
  if (index >= page->blocks) return 0;
  *number = page->number + index;
  *inside = (u32)product >= page->reciprocal;
  return 1;
}

/* Writes down the pointers in a block. Returns its entry, or 0xffffffff when there was no room for the list. */
HL_INLINE u32 hl_graph_describe(u32 address, u32 requested) {
  const u32 *word = (const u32 *)address, *end = (const u32 *)(address + (requested & ~3u));
  const hl_numbering numbering = hl.graph.numbering; /* a copy that no write to a list can change */
  u32 entry = 0, *last = 0;
  while (word < end) {
    const u32 *stop = (u32)(end - word) > HL_GRAPH_STEP ? word + HL_GRAPH_STEP : end;
    u32 most = 2 * (u32)(stop - word);
    if (HL_UNLIKELY((u32)(hl.graph.edge_end - hl.graph.edge) < most) &&
        (!hl_graph_more() || (u32)(hl.graph.edge_end - hl.graph.edge) < most))
      return 0xffffffffu;
    u32 *edge = hl.graph.edge;
    for (; word < stop; word++) {
      u32 number, inside;
      if (!hl_graph_find(*word, &numbering, &number, &inside)) continue;
      if (inside) {
        last = edge;
        *edge++ = number << HL_EDGE_SHIFT | HL_EDGE_INSIDE;
        *edge++ = *word;
      } else if (!entry) {
        entry = number << HL_ENTRY_SHIFT | HL_ENTRY_FIRST;
      } else {
        last = edge;
        *edge++ = number << HL_EDGE_SHIFT;
      }
    }
    hl.graph.edge = edge;
  }
  if (!last) return entry;
  *last |= HL_EDGE_LAST;
  return entry | HL_ENTRY_LIST;
}

/* Counts the blocks and takes memory for the tables. */
static int hl_graph_allocate_tables(void) {
  u32 numbers = 0, first = 0, end = 0;
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages) {
    if (!numbers) first = page;
    end = page + span->pages;
    numbers += span->blocks;
  }
  u32 groups = (numbers + HL_GROUP - 1) / HL_GROUP, queue = 16;
  while (queue < numbers / 1024) queue *= 2;
  u32 waiting_words = (groups + 1) / 2;
  u32 words = (end - first) * (u32)(sizeof(hl_numbered_page) / 4) + numbers + groups + waiting_words + queue;
  u32 *tables = hl_graph_allocate(words * 4);
  if (!tables) return 0;
  hl.graph.tables = tables;
  hl.graph.tables_bytes = words * 4;
  hl.graph.numbering = (hl_numbering){
      .start = first << HL_PAGE_SHIFT,
      .size = (end - first) << HL_PAGE_SHIFT,
      .pages = (hl_numbered_page *)tables,
  };
  hl.graph.entries = (u32 *)(hl.graph.numbering.pages + (end - first));
  hl.graph.lists = hl.graph.entries + numbers;
  hl.graph.waiting = (uint16_t *)(hl.graph.lists + groups);
  hl.graph.queue = (u32 *)hl.graph.waiting + waiting_words;
  hl.graph.queue_mask = queue - 1;
  hl.graph.numbers = numbers;
  hl_zero(tables, (end - first) * (u32)sizeof(hl_numbered_page));
  hl_zero(hl.graph.waiting, waiting_words * 4);
  return 1;
}

static void hl_graph_number_pages(void) {
  u32 number = 0;
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages) {
    hl_numbered_page numbered = {span->base, span->reciprocal, number, span->blocks};
    hl_numbered_page *at = hl.graph.numbering.pages + page - hl_page_of(hl.graph.numbering.start);
    for (u32 i = 0; i < span->pages; i++) at[i] = numbered;
    number += span->blocks;
  }
}

/* Writes down the pointers in a span's blocks, the first of which has this number. It is a function of its own, like
 * hl_graph_look_into, because V8 replaces slow first code by optimised code between calls only, and the first scan
 * matters. */
HL_SLOW void hl_graph_describe_span(const hl_span *span, u32 number) {
  u32 address = span->base;
  for (u32 i = 0; i < span->blocks; i++, number++, address += span->block_size) {
    if (number % HL_GROUP == 0) hl.graph.lists[number / HL_GROUP] = (u32)hl.graph.edge;
    u32 entry = HL_BLOCK_CLASS_REACHABLE; /* of a free block, with which there is nothing to do */
    if (!(span->metadata[i].owner & HL_BLOCK_FREED)) {
      entry = 0xffffffffu;
      if (number < hl.graph.listed) entry = hl_graph_describe(address, span->metadata[i].requested);
      if (entry == 0xffffffffu) {
        entry = address | HL_ENTRY_LIST;
        if (number < hl.graph.listed) hl.graph.listed = number;
      }
    }
    hl.graph.entries[number] = entry;
  }
}

/* Builds the graph; 0 when there is no memory for it. */
static int hl_graph_start(void) {
  if (!hl_graph_allocate_tables()) return 0;
  hl_graph_number_pages();
  hl.graph.leader = HL_NO_NUMBER;
  hl.graph.listed = hl.graph.numbers;
  hl.graph.queue_head = hl.graph.queue_tail = hl.graph.waiting_count = 0;
  hl.graph.followed = hl.graph.looked_into = hl.graph.guesses = 0;
  hl.graph.edge = hl.graph.edge_end = 0;
  u32 quarter = hl.graph.numbering.size / 4;
  hl.graph.lists_left = quarter < hl_start.limits.lists_most ? quarter : hl_start.limits.lists_most;
  hl_graph_more(); /* so that the first list has a place */
  u32 number = 0;
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages) {
    hl_graph_describe_span(span, number);
    number += span->blocks;
  }
  return 1;
}

/* -- marking ------------------------------------------------------------------------------------------- */

HL_INLINE void hl_graph_wait(u32 number) {
  uint16_t *group = hl.graph.waiting + number / HL_GROUP;
  u32 bits = *group, bit = 1u << number % HL_GROUP;
  if (bits & bit) return;
  *group = (uint16_t)(bits | bit);
  hl.graph.waiting_count++;
  if (hl.graph.queue_tail - hl.graph.queue_head <= hl.graph.queue_mask)
    hl.graph.queue[hl.graph.queue_tail++ & hl.graph.queue_mask] = number;
}

/* A pointer to the start of a block gives it this class, and so do the first pointers from there. */
HL_INLINE void hl_graph_follow(u32 number, u32 class) {
  u32 *entries = hl.graph.entries, leader = hl.graph.leader, followed = 0;
  for (;;) {
    u32 entry = entries[number];
    if ((entry & HL_ENTRY_CLASS) >= class || number == leader) break;
    entries[number] = (entry & ~(u32)HL_ENTRY_CLASS) | class;
    followed++;
    if (entry & HL_ENTRY_LIST) hl_graph_wait(number);
    if (!(entry & HL_ENTRY_FIRST)) break;
    number = entry >> HL_ENTRY_SHIFT;
  }
  hl.graph.followed += followed;
}

HL_SLOW void hl_graph_follow_inside(u32 number, u32 value, u32 class) {
  if ((hl.graph.entries[number] & HL_ENTRY_CLASS) >= class) return;
  u32 offset;
  hl_block *block = hl_block_around(value, &offset);
  if (!block) return;
  if (class == HL_BLOCK_CLASS_REACHABLE && !hl_is_start(value - offset, offset, block->requested))
    class = HL_BLOCK_CLASS_POSSIBLE;
  hl_graph_follow(number, class);
}

HL_INLINE void hl_graph_value(u32 value, const hl_numbering *numbering, u32 class) {
  u32 number, inside;
  if (!hl_graph_find(value, numbering, &number, &inside)) return;
  if (inside)
    hl_graph_follow_inside(number, value, class);
  else
    hl_graph_follow(number, class);
}

HL_SLOW void hl_graph_words(u32 start, u32 end, u32 class) {
  const hl_numbering numbering = hl.graph.numbering; /* a copy, as above */
  for (const u32 *word = (const u32 *)start; word < (const u32 *)end; word++)
    hl_graph_value(*word, &numbering, class);
}

/* The class that another block gets from a pointer to its start in this block. */
HL_INLINE u32 hl_graph_class_from(u32 number) {
  return hl.graph.leader == HL_NO_NUMBER ? hl.graph.entries[number] & HL_ENTRY_CLASS : HL_BLOCK_CLASS_INDIRECT;
}

HL_SLOW void hl_graph_look_into_block(u32 number) {
  u32 address = hl.graph.entries[number] >> HL_ENTRY_SHIFT << HL_ENTRY_SHIFT, offset;
  const hl_block *block = hl_block_around(address, &offset);
  if (block) hl_graph_words(address, address + (block->requested & ~3u), hl_graph_class_from(number));
}

HL_INLINE u32 *hl_graph_edge_at(u32 *edge) {
  while (HL_UNLIKELY(*edge & HL_EDGE_ELSEWHERE)) edge = (u32 *)(*edge & ~(u32)HL_EDGE_ELSEWHERE);
  return edge;
}

/* Both of these return the end of the list. */
HL_INLINE u32 *hl_graph_look_into_list(u32 *edge, u32 class) {
  u32 to;
  do {
    edge = hl_graph_edge_at(edge);
    to = *edge++;
    if (HL_LIKELY(!(to & HL_EDGE_INSIDE)))
      hl_graph_follow(to >> HL_EDGE_SHIFT, class);
    else
      hl_graph_follow_inside(to >> HL_EDGE_SHIFT, *edge++, class);
  } while (!(to & HL_EDGE_LAST));
  return edge;
}

HL_INLINE u32 *hl_graph_skip_list(u32 *edge) {
  u32 to;
  do {
    edge = hl_graph_edge_at(edge);
    to = *edge;
    edge += to & HL_EDGE_INSIDE ? 2 : 1;
  } while (!(to & HL_EDGE_LAST));
  return edge;
}

/* Looks into those blocks of a group that wait and that `bits` chooses. */
HL_SLOW void hl_graph_look_into(u32 group, u32 bits) {
  uint16_t *waiting = hl.graph.waiting + group;
  u32 *edge = (u32 *)hl.graph.lists[group];
  for (u32 i = 0; *waiting & bits; i++, bits &= -1u << i) {
    u32 number = group * HL_GROUP + i;
    if (!(hl.graph.entries[number] & HL_ENTRY_LIST)) continue;
    int listed = number < hl.graph.listed;
    if (!(*waiting & bits & 1u << i)) {
      if (listed) edge = hl_graph_skip_list(edge);
      continue;
    }
    *waiting = (uint16_t)(*waiting & ~(1u << i));
    hl.graph.waiting_count--;
    if (listed)
      edge = hl_graph_look_into_list(edge, hl_graph_class_from(number));
    else
      hl_graph_look_into_block(number);
  }
}

static void hl_graph_sweep(void) {
  hl.graph.queue_head = hl.graph.queue_tail;
  u32 groups = (hl.graph.numbers + HL_GROUP - 1) / HL_GROUP;
  for (u32 group = 0; group < groups; group++)
    if (hl.graph.waiting[group]) hl_graph_look_into(group, 0xffff);
}

/* Puts the first pointer of each block that is not reached to the end of its list. No list of these blocks waits; a
 * leader's list was the first to be looked into. */
HL_COLD void hl_graph_guess_again(void) {
  u32 *edge = (u32 *)hl.graph.lists[0];
  for (u32 number = 0; number < hl.graph.listed; number++) {
    u32 entry = hl.graph.entries[number];
    if (!(entry & HL_ENTRY_LIST)) continue;
    if (entry & HL_ENTRY_CLASS || !(entry & HL_ENTRY_FIRST)) {
      edge = hl_graph_skip_list(edge);
      continue;
    }
    u32 to, first = entry >> HL_ENTRY_SHIFT, moved = first, *free = 0;
    do {
      edge = hl_graph_edge_at(edge);
      to = *edge;
      if (to & HL_EDGE_INSIDE) {
        edge += 2;
        continue;
      }
      if (free)
        *free = (*free & HL_EDGE_LAST) | to >> HL_EDGE_SHIFT << HL_EDGE_SHIFT;
      else
        moved = to >> HL_EDGE_SHIFT;
      free = edge++;
    } while (!(to & HL_EDGE_LAST));
    if (free) *free = (*free & HL_EDGE_LAST) | first << HL_EDGE_SHIFT;
    hl.graph.entries[number] = moved << HL_ENTRY_SHIFT | HL_ENTRY_FIRST | HL_ENTRY_LIST;
  }
}

static void hl_graph_look_into_next(void) {
  u32 number = hl.graph.queue[hl.graph.queue_head++ & hl.graph.queue_mask];
  u32 group = number / HL_GROUP, bit = 1u << number % HL_GROUP;
  if (!(hl.graph.waiting[group] & bit)) return; /* a sweep was there before */
  hl_graph_look_into(group, bit);
  if (++hl.graph.looked_into < HL_GUESS_LISTS) return;
  if (hl.graph.followed < HL_GUESS_LISTS * HL_GUESS_LEAST && hl.graph.guesses < HL_GUESSES) {
    hl.graph.guesses++;
    hl_graph_guess_again();
  }
  hl.graph.followed = hl.graph.looked_into = 0;
}

static void hl_graph_drain(void) {
  while (hl.graph.waiting_count) {
    if (hl.graph.waiting_count > hl.graph.queue_mask || hl.graph.queue_head == hl.graph.queue_tail)
      hl_graph_sweep();
    else
      hl_graph_look_into_next();
  }
  hl.graph.queue_head = hl.graph.queue_tail;
}

/* Classes the blocks that no root leads to, and writes the classes of all blocks into their metadata. */
static void hl_graph_finish(void) {
  for (u32 number = 0; number < hl.graph.numbers; number++) {
    u32 entry = hl.graph.entries[number];
    if (entry & HL_ENTRY_CLASS) continue;
    hl.graph.leader = number;
    if (entry & HL_ENTRY_LIST) hl_graph_wait(number);
    if (entry & HL_ENTRY_FIRST) hl_graph_follow(entry >> HL_ENTRY_SHIFT, HL_BLOCK_CLASS_INDIRECT);
    hl_graph_drain();
  }
  const u32 *entry = hl.graph.entries;
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages)
    for (u32 i = 0; i < span->blocks; i++, entry++) {
      hl_block *block = &span->metadata[i];
      if (block->owner & HL_BLOCK_FREED) continue;
      u32 class = *entry & HL_ENTRY_CLASS;
      block->owner = (block->owner & ~(u32)HL_MARK_BITS) | class << HL_BLOCK_CLASS_SHIFT;
    }
}
