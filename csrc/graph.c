/* graph.c -- marking blocks by a compact graph of their pointers: the way of large heaps.
 *
 * In a large heap, following a pointer means waiting for memory, again and again: for the block, for its metadata,
 * for the translation of both addresses. Nothing can be fetched ahead, because where to go next stands in what is
 * waited for. Going through all blocks in the order of addresses costs a tenth of that. So this is done first, and
 * what is found is written down in so little memory that the caches hold it:
 *
 *   number   Blocks are numbered in the order of their addresses. A table by page leads from address to number.
 *   entry    One word for each block: its class, and the first pointer in it, as the number of the block it leads to.
 *   list     The other pointers of a block, if there are more: edges, one after the other, in the order of blocks.
 *            Where it starts is only known for every 16th block; those between are found by counting.
 *
 *      address:  | block 0 | block 1 | block 2 | block 3 |
 *      entries:  | -> 2    | -> 3    | -> 0    | -> 1    |   class and first pointer
 *      lists:    | -> 1, -> 3 | -> 0 |                       of blocks 0 and 2
 *
 * Marking follows first pointers from entry to entry, which takes one look into 4 bytes a block for each. A block
 * that is reached and has a list waits, marked in a bitmap. Few that wait are looked into in the order in which they
 * came; many, in sweeps in the order of addresses, where the lists lie one after the other and the entries that they
 * lead to can be waited for together. That the first pointer is the one worth following is a guess (a list linked
 * both ways may have it second): when following leads nowhere again and again, each block not reached yet puts its
 * first pointer to the end of its list.
 *
 * A pointer into the middle of a block is an edge of two words, number and value: what it means is asked when it is
 * followed, for then the block is mostly known to be reachable.
 *
 * Memory: 4.4 bytes a block, of which the smallest takes 28 with its metadata, 16 a page, and at most a quarter of the
 * heap for lists: two fifths of the heap in the worst case. It is the runtime's own while the scan lasts. Blocks whose
 * lists find no room are looked into when their turn comes, as mark.c does with all.
 *
 * Ideas: marking in the order of addresses instead of the order of pointers, from the search for order that began
 * with Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection" (2004; their queue did not
 * help here: a list has one end to fetch from); sweeping while much waits and following while little does, from
 * Beamer, Asanovic and Patterson, "Direction-optimizing breadth-first search" (2012).
 */
#include "platform.h"

/* What the page table says of a page. Unlike hl_map it answers in one cache line. */
typedef struct hl_numbered_page {
  u32 base; /* of the span's blocks */
  u32 reciprocal; /* of the span; 0 for a large one: all in it is its one block, and counts as inside */
  u32 number; /* of the span's first block */
  u32 blocks; /* in the span; 0 when the page holds none */
} hl_numbered_page;

/* Addresses from `start` on, `size` bytes of them, are in these pages. */
typedef struct hl_numbering {
  u32 start, size;
  hl_numbered_page *pages;
} hl_numbering;

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
/* So many lists in the order in which they came, each of which led to fewer than four blocks, make a bad guess. */
#define HL_GUESS_LISTS 4096u
#define HL_GUESS_LEAST 4u
/* Guesses are changed so often at most: few blocks have more pointers, and each change goes through all lists. */
#define HL_GUESSES 6u

/* In bytes; variables for the sake of tests. */
static struct {
  u32 heap_least; /* smaller heaps get no graph: all that a scan touches there is in the caches of one core */
  u32 piece; /* memory for lists; with what hl_metadata_allocate adds, exactly 64 pages */
  u32 lists_most;
} hl_graph_limits = {2u << 20, (1u << 18) - 2 * HL_GRAIN, 0xffffffffu};

typedef struct hl_list_piece {
  struct hl_list_piece *next;
  u32 bytes;
} hl_list_piece;

static struct {
  u32 *tables; /* all tables in one; null while there is no graph */
  u32 tables_bytes;
  hl_numbering numbering;
  u32 *entries; /* by number */
  u32 *lists; /* where the lists of each group begin */
  uint16_t *waiting; /* by group: a bit for each block that waits to have its list looked into */
  u32 *queue; /* of those, the ones that came last: a ring */
  u32 queue_mask, queue_head, queue_tail;
  u32 waiting_count;
  u32 numbers;
  u32 listed; /* number of the first block without room for its list */
  u32 leader; /* of the clique that is followed; HL_NO_NUMBER while roots are */
  hl_list_piece *pieces;
  u32 *edge, *edge_end; /* the next word of a list, and the last in this piece */
  u32 lists_left; /* bytes */
  u32 followed; /* blocks reached, */
  u32 looked_into; /* lists looked into in the order they came, since the last guess was judged */
  u32 guesses;
} hl_graph;

/* -- building ------------------------------------------------------------------------------------------ */

/* Empty spans are not given back for it: they know who freed what. */
static void *hl_graph_allocate(u32 bytes) {
  hl_structs_reserve();
  hl.refilling = 1;
  void *memory = hl_metadata_allocate(bytes);
  hl.refilling = 0;
  return memory;
}

static void hl_graph_forget(void) {
  if (!hl_graph.tables) return;
  for (hl_list_piece *piece = hl_graph.pieces, *next; piece; piece = next) {
    next = piece->next;
    hl_metadata_release(piece, piece->bytes);
  }
  hl_metadata_release(hl_graph.tables, hl_graph.tables_bytes);
  hl_graph.pieces = 0;
  hl_graph.tables = 0;
}

/* Goes on with another piece of memory for lists. */
HL_COLD int hl_graph_more(void) {
  u32 bytes = hl_graph_limits.piece < hl_graph.lists_left ? hl_graph_limits.piece : hl_graph.lists_left;
  if (bytes <= sizeof(hl_list_piece) + 4) return 0;
  hl_list_piece *piece = hl_graph_allocate(bytes);
  if (!piece) return 0;
  *piece = (hl_list_piece){hl_graph.pieces, bytes};
  hl_graph.pieces = piece;
  hl_graph.lists_left -= bytes;
  u32 *edge = (u32 *)(piece + 1);
  if (hl_graph.edge) *hl_graph.edge = (u32)edge | HL_EDGE_ELSEWHERE;
  hl_graph.edge = edge;
  hl_graph.edge_end = (u32 *)((u32)piece + bytes) - 1;
  return 1;
}

/* The number of the block around an address, and whether it is the block's own. The product's low word tells: it is
 * less than the reciprocal for multiples of the block size and for nothing else (Lemire, Kaser and Kurz, "Faster
 * remainder by direct computation", 2019). Says nothing of blocks that are free and of bytes behind those asked for. */
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

/* Writes down the pointers in a block: returns its entry, 0xffffffff when there was no room for the list. */
HL_INLINE u32 hl_graph_describe(u32 address, u32 requested) {
  const u32 *word = (const u32 *)address, *end = (const u32 *)(address + (requested & ~3u));
  const hl_numbering numbering = hl_graph.numbering; /* a copy that no write to a list can change */
  u32 entry = 0, *last = 0;
  while (word < end) {
    const u32 *stop = (u32)(end - word) > HL_GRAPH_STEP ? word + HL_GRAPH_STEP : end;
    u32 most = 2 * (u32)(stop - word);
    if (HL_UNLIKELY((u32)(hl_graph.edge_end - hl_graph.edge) < most) &&
        (!hl_graph_more() || (u32)(hl_graph.edge_end - hl_graph.edge) < most))
      return 0xffffffffu;
    u32 *edge = hl_graph.edge;
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
    hl_graph.edge = edge;
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
  hl_graph.tables = tables;
  hl_graph.tables_bytes = words * 4;
  hl_graph.numbering = (hl_numbering){
      .start = first << HL_PAGE_SHIFT,
      .size = (end - first) << HL_PAGE_SHIFT,
      .pages = (hl_numbered_page *)tables,
  };
  hl_graph.entries = (u32 *)(hl_graph.numbering.pages + (end - first));
  hl_graph.lists = hl_graph.entries + numbers;
  hl_graph.waiting = (uint16_t *)(hl_graph.lists + groups);
  hl_graph.queue = (u32 *)hl_graph.waiting + waiting_words;
  hl_graph.queue_mask = queue - 1;
  hl_graph.numbers = numbers;
  hl_zero(tables, (end - first) * (u32)sizeof(hl_numbered_page));
  hl_zero(hl_graph.waiting, waiting_words * 4);
  return 1;
}

static void hl_graph_number_pages(void) {
  u32 number = 0;
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages) {
    hl_numbered_page numbered = {span->base, span->reciprocal, number, span->blocks};
    hl_numbered_page *at = hl_graph.numbering.pages + page - hl_page_of(hl_graph.numbering.start);
    for (u32 i = 0; i < span->pages; i++) at[i] = numbered;
    number += span->blocks;
  }
}

/* Writes down the pointers in a span's blocks, the first of which has this number. A function of its own, as is
 * hl_graph_look_into, because V8 exchanges slow first code for optimised code between calls only, and the first scan
 * counts. */
HL_SLOW void hl_graph_describe_span(const hl_span *span, u32 number) {
  u32 address = span->base;
  for (u32 i = 0; i < span->blocks; i++, number++, address += span->block_size) {
    if (number % HL_GROUP == 0) hl_graph.lists[number / HL_GROUP] = (u32)hl_graph.edge;
    u32 entry = HL_BLOCK_CLASS_REACHABLE; /* of a free block: nothing is to be done about it */
    if (!(span->metadata[i].owner & HL_BLOCK_FREED)) {
      entry = 0xffffffffu;
      if (number < hl_graph.listed) entry = hl_graph_describe(address, span->metadata[i].requested);
      if (entry == 0xffffffffu) {
        entry = address | HL_ENTRY_LIST;
        if (number < hl_graph.listed) hl_graph.listed = number;
      }
    }
    hl_graph.entries[number] = entry;
  }
}

/* Builds the graph; 0 when there is no memory for it. */
static int hl_graph_start(void) {
  if (!hl_graph_allocate_tables()) return 0;
  hl_graph_number_pages();
  hl_graph.leader = HL_NO_NUMBER;
  hl_graph.listed = hl_graph.numbers;
  hl_graph.queue_head = hl_graph.queue_tail = hl_graph.waiting_count = 0;
  hl_graph.followed = hl_graph.looked_into = hl_graph.guesses = 0;
  hl_graph.edge = hl_graph.edge_end = 0;
  u32 quarter = hl_graph.numbering.size / 4;
  hl_graph.lists_left = quarter < hl_graph_limits.lists_most ? quarter : hl_graph_limits.lists_most;
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
  uint16_t *group = hl_graph.waiting + number / HL_GROUP;
  u32 bits = *group, bit = 1u << number % HL_GROUP;
  if (bits & bit) return;
  *group = (uint16_t)(bits | bit);
  hl_graph.waiting_count++;
  if (hl_graph.queue_tail - hl_graph.queue_head <= hl_graph.queue_mask)
    hl_graph.queue[hl_graph.queue_tail++ & hl_graph.queue_mask] = number;
}

/* A pointer to the start of a block makes of it what `class` says; so do the first pointers from there. */
HL_INLINE void hl_graph_follow(u32 number, u32 class) {
  u32 *entries = hl_graph.entries, leader = hl_graph.leader, followed = 0;
  for (;;) {
    u32 entry = entries[number];
    if ((entry & HL_ENTRY_CLASS) >= class || number == leader) break;
    entries[number] = (entry & ~(u32)HL_ENTRY_CLASS) | class;
    followed++;
    if (entry & HL_ENTRY_LIST) hl_graph_wait(number);
    if (!(entry & HL_ENTRY_FIRST)) break;
    number = entry >> HL_ENTRY_SHIFT;
  }
  hl_graph.followed += followed;
}

HL_SLOW void hl_graph_follow_inside(u32 number, u32 value, u32 class) {
  if ((hl_graph.entries[number] & HL_ENTRY_CLASS) >= class) return;
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
  const hl_numbering numbering = hl_graph.numbering; /* a copy, as above */
  for (const u32 *word = (const u32 *)start; word < (const u32 *)end; word++)
    hl_graph_value(*word, &numbering, class);
}

/* What a pointer to the start found in this block makes of another. */
HL_INLINE u32 hl_graph_class_from(u32 number) {
  return hl_graph.leader == HL_NO_NUMBER ? hl_graph.entries[number] & HL_ENTRY_CLASS : HL_BLOCK_CLASS_INDIRECT;
}

HL_SLOW void hl_graph_look_into_block(u32 number) {
  u32 address = hl_graph.entries[number] >> HL_ENTRY_SHIFT << HL_ENTRY_SHIFT, offset;
  const hl_block *block = hl_block_around(address, &offset);
  if (block) hl_graph_words(address, address + (block->requested & ~3u), hl_graph_class_from(number));
}

HL_INLINE u32 *hl_graph_edge_at(u32 *edge) {
  while (HL_UNLIKELY(*edge & HL_EDGE_ELSEWHERE)) edge = (u32 *)(*edge & ~(u32)HL_EDGE_ELSEWHERE);
  return edge;
}

/* Both return the end of the list. */
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

/* Looks into those blocks of a group that wait and are chosen by `bits`. */
HL_SLOW void hl_graph_look_into(u32 group, u32 bits) {
  uint16_t *waiting = hl_graph.waiting + group;
  u32 *edge = (u32 *)hl_graph.lists[group];
  for (u32 i = 0; *waiting & bits; i++, bits &= -1u << i) {
    u32 number = group * HL_GROUP + i;
    if (!(hl_graph.entries[number] & HL_ENTRY_LIST)) continue;
    int listed = number < hl_graph.listed;
    if (!(*waiting & bits & 1u << i)) {
      if (listed) edge = hl_graph_skip_list(edge);
      continue;
    }
    *waiting = (uint16_t)(*waiting & ~(1u << i));
    hl_graph.waiting_count--;
    if (listed)
      edge = hl_graph_look_into_list(edge, hl_graph_class_from(number));
    else
      hl_graph_look_into_block(number);
  }
}

static void hl_graph_sweep(void) {
  hl_graph.queue_head = hl_graph.queue_tail;
  u32 groups = (hl_graph.numbers + HL_GROUP - 1) / HL_GROUP;
  for (u32 group = 0; group < groups; group++)
    if (hl_graph.waiting[group]) hl_graph_look_into(group, 0xffff);
}

/* Puts the first pointer of each block that is not reached to the end of its list. Of those no list waits; a leader's
 * was the first to be looked into. */
HL_COLD void hl_graph_guess_again(void) {
  u32 *edge = (u32 *)hl_graph.lists[0];
  for (u32 number = 0; number < hl_graph.listed; number++) {
    u32 entry = hl_graph.entries[number];
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
    hl_graph.entries[number] = moved << HL_ENTRY_SHIFT | HL_ENTRY_FIRST | HL_ENTRY_LIST;
  }
}

static void hl_graph_look_into_next(void) {
  u32 number = hl_graph.queue[hl_graph.queue_head++ & hl_graph.queue_mask];
  u32 group = number / HL_GROUP, bit = 1u << number % HL_GROUP;
  if (!(hl_graph.waiting[group] & bit)) return; /* a sweep was there before */
  hl_graph_look_into(group, bit);
  if (++hl_graph.looked_into < HL_GUESS_LISTS) return;
  if (hl_graph.followed < HL_GUESS_LISTS * HL_GUESS_LEAST && hl_graph.guesses < HL_GUESSES) {
    hl_graph.guesses++;
    hl_graph_guess_again();
  }
  hl_graph.followed = hl_graph.looked_into = 0;
}

static void hl_graph_drain(void) {
  while (hl_graph.waiting_count) {
    if (hl_graph.waiting_count > hl_graph.queue_mask || hl_graph.queue_head == hl_graph.queue_tail)
      hl_graph_sweep();
    else
      hl_graph_look_into_next();
  }
  hl_graph.queue_head = hl_graph.queue_tail;
}

/* Classes what no root leads to, and writes the classes of all blocks into their metadata. */
static void hl_graph_finish(void) {
  for (u32 number = 0; number < hl_graph.numbers; number++) {
    u32 entry = hl_graph.entries[number];
    if (entry & HL_ENTRY_CLASS) continue;
    hl_graph.leader = number;
    if (entry & HL_ENTRY_LIST) hl_graph_wait(number);
    if (entry & HL_ENTRY_FIRST) hl_graph_follow(entry >> HL_ENTRY_SHIFT, HL_BLOCK_CLASS_INDIRECT);
    hl_graph_drain();
  }
  const u32 *entry = hl_graph.entries;
  hl_span *span;
  for (u32 page = 0; (span = hl_span_next(&page)); page += span->pages)
    for (u32 i = 0; i < span->blocks; i++, entry++) {
      hl_block *block = &span->metadata[i];
      if (block->owner & HL_BLOCK_FREED) continue;
      u32 class = *entry & HL_ENTRY_CLASS;
      block->owner = (block->owner & ~(u32)HL_MARK_BITS) | class << HL_BLOCK_CLASS_SHIFT;
    }
}
