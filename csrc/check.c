/* check.c -- whether the runtime's memory is whole: every invariant of the heap and the ledger.
 *
 * The program shares the linear memory with the runtime and may have written over anything. Before the host believes
 * what it reads there, it asks heapline_check(), which returns 0 or the line of the first check that failed.
 * Everything that is read here may be damaged. So every loop is bounded by a number that was compared with the size
 * of the memory before, an address that makes no sense traps (the host takes the trap for an answer), and nothing is
 * written.
 *
 * Most facts are kept twice: totals are sums over contexts and over blocks, a child is in the ring of its parent, a
 * page of the map names the span that names the page. Whether each context holds what its blocks say can be told
 * without a table of contexts, because blocks and contexts are summed with weights that depend on the context.
 *
 * Facts that are kept once cannot be judged: temporary blocks, lifetimes, serial numbers, and where a block was
 * freed.
 */
#include "platform.h"

#define HL_CHECK(condition) \
  do { \
    if (!(condition)) return __LINE__; \
  } while (0)

/* Sums over the contexts, or over their blocks. */
typedef struct hl_sums {
  u32 contexts, live_objects, live_bytes, peak_objects, peak_bytes;
  u64 alloc_objects, alloc_bytes, weighed;
} hl_sums;

HL_INLINE u64 hl_weigh(const hl_node *node, u32 objects, u32 bytes) {
  u64 weight = ((u32)node | 1) * 0x9e3779b97f4a7c15u;
  return (weight ^ weight >> 29) * (bytes + ((u64)objects << 32));
}

/* -- the runtime block ------------------------------------------------------------------------------------ */

static u32 hl_check_header(void) {
  HL_CHECK(rt.magic == HL_MAGIC && rt.version == HL_ABI_VERSION);
  HL_CHECK(rt.root_node == hl_start.first_chunk.nodes && rt.first_chunk == &hl_start.first_chunk.header);
  HL_CHECK(rt.fault_ring == hl.fault_ring && rt.first_span_chunk == &hl.first_span_chunk.header);
  HL_CHECK(rt.top >= hl_slots && rt.top <= HL_LAST_SLOT && !((u32)rt.top & (HL_SLOT_SIZE - 1)));
  HL_CHECK(rt.flags < 2 * HL_FLAG_FREE_CONTEXTS && rt.peak_epoch && hl.initialised <= 1);
  HL_CHECK(rt.heap_base == (u32)&__heap_base);
  u32 memory = hl_memory_end(), objects = (u32)rt.alloc_objects - rt.freed_objects;
  u32 bytes = (u32)rt.alloc_bytes - rt.freed_bytes;
  HL_CHECK(rt.heap_bytes <= memory && !(rt.heap_bytes & (HL_PAGE - 1)) && rt.metadata_bytes <= rt.heap_bytes);
  HL_CHECK(rt.contexts && rt.contexts - 1 <= memory / (HL_BUD_SIZE / HL_BUD_SITES));
  /* Cells may be small, may lie outside of the heap, and may lie in each other. */
  u32 heap = hl_blocks_most();
  u32 most_bytes = hl.cells.ever ? -1u : heap, most_objects = hl.cells.ever ? -1u : heap / HL_ALIGNMENT;
  HL_CHECK(bytes <= rt.peak_bytes && rt.peak_bytes <= most_bytes && rt.peak_bytes <= rt.alloc_bytes);
  HL_CHECK(objects <= most_objects && objects <= rt.alloc_objects);
  HL_CHECK(rt.peak_objects <= most_objects && rt.peak_objects <= rt.alloc_objects);
  HL_CHECK(rt.spans <= HL_ARRAY_LENGTH(hl.first_span_chunk.spans) + rt.metadata_bytes / HL_SPAN_SIZE);
  if (hl.initialised) {
    HL_CHECK(hl_slots[0].node == rt.root_node && !hl_slots[0].site);
    return 0;
  }
  HL_CHECK(!rt.alloc_objects && !rt.alloc_bytes && !objects && !bytes && !rt.peak_objects && !rt.peak_bytes);
  HL_CHECK(rt.contexts == 1 && !rt.heap_bytes && !rt.spans && !rt.first_bud_chunk && !rt.faults && !rt.failed);
  return 0;
}

/* -- contexts --------------------------------------------------------------------------------------------- */

HL_INLINE void hl_sum(hl_sums *sums, const hl_node *node, u32 objects, u32 bytes) {
  sums->live_objects += objects;
  sums->live_bytes += bytes;
  sums->weighed += hl_weigh(node, objects, bytes);
}

HL_INLINE u32 hl_check_account(const hl_node *node, hl_sums *sums) {
  const hl_account *account = hl_account_of(node);
  HL_CHECK(!((u32)account & (HL_GRAIN - 1)) && account->node == node);
  u32 objects = (u32)account->alloc_objects - account->freed_objects;
  u32 bytes = (u32)account->alloc_bytes - account->freed_bytes;
  HL_CHECK(objects <= account->alloc_objects && bytes <= account->alloc_bytes);
  int saved = account->peak_epoch == rt.peak_epoch;
  hl_sum(sums, node, objects, bytes);
  sums->alloc_objects += account->alloc_objects;
  sums->alloc_bytes += account->alloc_bytes;
  sums->peak_objects += saved ? account->peak_objects : objects;
  sums->peak_bytes += saved ? account->peak_bytes : bytes;
  return 0;
}

HL_INLINE u32 hl_check_bud(const hl_bud *bud, hl_sums *sums) {
  u32 length = hl_bud_length(bud), link = bud->node.link;
  HL_CHECK(length >= 1 && length <= HL_BUD_SITES && !(link & (HL_NODE_LINK_ACCOUNT | HL_WIDE)));
  HL_CHECK(!(link & HL_BUD_FREED) || (link & HL_BUD_ALLOCATED));
  sums->contexts += length - 1;
  if (!(link & HL_BUD_ALLOCATED)) return 0;
  if (!(link & HL_BUD_FREED)) hl_sum(sums, &bud->node, 1, bud->size);
  sums->alloc_objects++;
  sums->alloc_bytes += bud->size;
  int peak = hl_bud_at_peak(bud);
  sums->peak_objects += peak;
  sums->peak_bytes += peak ? bud->size : 0;
  return 0;
}

/* Whether the table of wide nodes can be searched. */
static u32 hl_check_table(void) {
  u32 bits = 32 - hl.contexts_shift;
  HL_CHECK(bits >= 6 && bits < 30 && (u64)(u32)hl.contexts + (4ull << bits) <= hl_memory_end());
  HL_CHECK(hl.contexts_used < 1u << bits && hl.contexts_used <= rt.contexts);
  return 0;
}

/* Whether the parent of a node or bud has it for a child. `looked` counts the entries of the table that were looked
 * at. */
static u32 hl_check_child(const hl_node *node, u32 *looked) {
  hl_node *parent = node->parent;
  HL_CHECK(parent && !((u32)parent & (sizeof *parent - 1)) && !hl_is_bud(parent));
  HL_CHECK(node->next_sibling->parent == parent);
  u32 children = *hl_children(parent);
  if (children & HL_WIDE) {
    u32 mask = (1u << (32 - hl.contexts_shift)) - 1;
    u32 at = hl_context_hash(parent, node->site) >> hl.contexts_shift;
    HL_CHECK(!hl_is_bud(node));
    for (; hl.contexts[at] != node; at = (at + 1) & mask) {
      HL_CHECK(hl.contexts[at]);
      HL_CHECK(++*looked / 64 <= rt.contexts);
    }
    return 0;
  }
  const hl_node *child = hl_last_child(children);
  for (u32 count = 1; child != node; count++, child = child->next_sibling) HL_CHECK(count < HL_NARROW);
  return 0;
}

HL_INLINE u32 hl_check_entry(const hl_node *node, int may_be_bud, u32 what, hl_sums *sums, u32 *looked) {
  u32 bad = 0;
  sums->contexts++;
  if (may_be_bud && hl_is_bud(node)) {
    if ((bad = hl_check_bud((const hl_bud *)node, sums))) return bad;
  } else {
    HL_CHECK(!hl_is_bud(node));
    if (hl_has_account(node)) bad = hl_check_account(node, sums);
    if (bad) return bad;
  }
  if (!(what & HL_CHECK_TREE)) return 0;
  if (node == rt.root_node) {
    HL_CHECK(!node->parent);
    return 0;
  }
  return hl_check_child(node, looked);
}

/* A chunk of nodes or buds. */
static u32 hl_check_chunk(const hl_chunk *chunk, u32 entry, u32 few, u32 many, const hl_chunk *last) {
  u32 capacity = chunk->capacity;
  HL_CHECK(!((u32)chunk & (HL_GRAIN - 1)));
  HL_CHECK(capacity == few || capacity == many || chunk == &hl_start.first_chunk.header);
  HL_CHECK(capacity <= many && (u64)(u32)chunk + sizeof *chunk + capacity * entry <= hl_memory_end());
  HL_CHECK(chunk->used && chunk->used <= capacity);
  HL_CHECK(chunk == last ? !chunk->next : chunk->next && chunk->used == capacity);
  return 0;
}

/* All contexts and their sums. */
static u32 hl_check_contexts(u32 what, hl_sums *sums) {
  u32 bad, looked = 0;
  if ((what & HL_CHECK_TREE) && (bad = hl_check_table())) return bad;
  for (const hl_chunk *chunk = rt.first_chunk; chunk; chunk = chunk->next) {
    if ((bad = hl_check_chunk(chunk, HL_NODE_SIZE, HL_NODES_FEW, HL_NODES_MANY, hl.last_chunk))) return bad;
    const hl_node *nodes = (const hl_node *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++)
      if ((bad = hl_check_entry(&nodes[i], 0, what, sums, &looked))) return bad;
    HL_CHECK(sums->contexts <= rt.contexts);
  }
  HL_CHECK(!rt.first_bud_chunk == !hl.last_bud_chunk);
  for (const hl_chunk *chunk = rt.first_bud_chunk; chunk; chunk = chunk->next) {
    if ((bad = hl_check_chunk(chunk, HL_BUD_SIZE, HL_BUDS_FEW, HL_BUDS_MANY, hl.last_bud_chunk))) return bad;
    const hl_bud *buds = (const hl_bud *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++)
      if ((bad = hl_check_entry(&buds[i].node, 1, what, sums, &looked))) return bad;
    HL_CHECK(sums->contexts <= rt.contexts);
  }
  HL_CHECK(sums->contexts == rt.contexts);
  HL_CHECK(sums->live_objects == (u32)rt.alloc_objects - rt.freed_objects);
  HL_CHECK(sums->live_bytes == (u32)rt.alloc_bytes - rt.freed_bytes);
  HL_CHECK(sums->alloc_objects == rt.alloc_objects && sums->alloc_bytes == rt.alloc_bytes);
  HL_CHECK(sums->peak_objects == rt.peak_objects && sums->peak_bytes == rt.peak_bytes);
  return 0;
}

/* The bud, or the node of the account, that owns a block. Null when nobody does. */
static const hl_node *hl_check_owner(u32 owner) {
  u32 address = owner & HL_BLOCK_OWNER_MASK;
  if (owner & HL_BLOCK_BUD) {
    const hl_node *node = (const hl_node *)address;
    return hl_is_bud(node) || hl_has_account(node) ? node : 0;
  }
  const hl_account *account = (const hl_account *)address;
  const hl_node *node = account->node;
  return node->link == (address | HL_NODE_LINK_ACCOUNT) ? node : 0;
}

#ifndef HL_RECORDER

/* -- spans ------------------------------------------------------------------------------------------------ */

/* Sums over the spans. */
typedef struct hl_heap_sums {
  u32 structs, unused, runs, ghosts, listed, empty_spans, empty_pages;
  u32 span_pages, run_pages, map_entries;
  u32 objects, kept;
  u64 bytes, weighed;
} hl_heap_sums;

HL_INLINE u32 hl_check_span_chunk(const hl_chunk *chunk, u32 before) {
  u32 used = chunk->used;
  HL_CHECK(!((u32)chunk & (HL_GRAIN - 1)) && used && used == chunk->capacity && used <= rt.spans - before);
  HL_CHECK((u64)(u32)(chunk + 1) + used * HL_SPAN_SIZE <= hl_memory_end());
  HL_CHECK((chunk == hl.last_span_chunk) == !chunk->next);
  return 0;
}

/* Whether the pages of all spans, and those with metadata, are those that the system gave. */
static u32 hl_check_pages(void) {
  u32 bad, structs = 0, pages = 0, packed = 0;
  for (const hl_chunk *chunk = rt.first_span_chunk; chunk; chunk = chunk->next) {
    if ((bad = hl_check_span_chunk(chunk, structs))) return bad;
    structs += chunk->used;
    const hl_span *spans = (const hl_span *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++) {
      if (spans[i].kind == HL_KIND_BLOCKS) packed += spans[i].base - spans[i].start;
      if (spans[i].kind == HL_KIND_BLOCKS || spans[i].kind == HL_KIND_RUN) pages += spans[i].pages;
    }
  }
  HL_CHECK(structs == rt.spans);
  HL_CHECK((pages << HL_PAGE_SHIFT) + rt.metadata_bytes - packed == rt.heap_bytes);
  return 0;
}

HL_INLINE int hl_in_heap(u32 address) { return address >= hl.heap_start && hl_page_of(address) < hl.map_pages; }

/* An address in pages that hold metadata. */
HL_INLINE int hl_in_metadata(u32 address) { return hl_in_heap(address) && !hl.map[hl_page_of(address)]; }

static u32 hl_check_map(void) {
  u32 bytes = hl.map_capacity * 4 + 2 * HL_GRAIN;
  HL_CHECK(hl.touched_pages <= hl.map_pages && hl.map_pages && hl.map_pages <= hl.map_capacity && hl.map_capacity <= 1u << (32 - HL_PAGE_SHIFT));
  HL_CHECK(hl.map_pages <= hl_page_of(hl_memory_end()) && !(bytes & (HL_PAGE - 1)));
  HL_CHECK(((u32)hl.map & (HL_PAGE - 1)) == HL_GRAIN && !(hl.heap_start & (HL_PAGE - 1)) && hl.heap_start);
  HL_CHECK(hl_page_of(hl.heap_start) < hl.map_pages && hl_in_metadata((u32)hl.map));
  HL_CHECK((u64)(u32)hl.map + bytes <= hl_memory_end());
  return 0;
}

/* The blocks of a span. */
static u32 hl_check_blocks(const hl_span *span, u32 *freed, hl_heap_sums *sums) {
  u32 last = HL_BLOCK_FREED, objects = 0, kept = 0, newest = (u32)rt.alloc_objects;
  u32 oldest = rt.alloc_objects >> 32 ? -1u : newest - 1; /* how many allocations ago, at most */
  const hl_node *node = 0;
  for (u32 i = 0; i < span->blocks; i++) {
    const hl_block *block = &span->metadata[i];
    u32 owner = block->owner;
    if (owner & HL_BLOCK_FREED) {
      if (hl_block_next_free(block) == HL_QUARANTINED)
        kept++;
      else
        ++*freed;
      continue;
    }
    HL_CHECK(block->requested <= span->block_size && !(owner & HL_WAITING));
    HL_CHECK(newest - block->serial <= oldest);
    if (owner != last) {
      HL_CHECK((node = hl_check_owner(owner)));
      last = owner;
    }
    objects++;
    sums->bytes += block->requested;
    sums->weighed += hl_weigh(node, 1, block->requested);
  }
  HL_CHECK(objects + kept == span->used);
  sums->objects += objects;
  sums->kept += kept;
  return 0;
}

static u32 hl_check_small(const hl_span *span, hl_heap_sums *sums) {
  HL_CHECK(span->class < HL_CLASSES && span->block_size == hl_class_size(span->class) && span->listed <= 1);
  u32 size = span->block_size, end = span->start + span->pages * HL_PAGE;
  HL_CHECK(span->reciprocal == (u32)(((1ull << 32) + size - 1) / size));
  HL_CHECK(span->base >= span->start && span->base < end && span->blocks && span->blocks < HL_NO_BLOCK);
  HL_CHECK(span->blocks <= (end - span->base) / size);
  u32 entries = hl_span_entries(size, span->blocks, end - span->base);
  if (span->base == span->start) {
    HL_CHECK(size > HL_PACKED_MAX && !((u32)span->metadata & (HL_GRAIN - 1)));
    HL_CHECK(hl_in_metadata((u32)span->metadata) && hl_in_metadata((u32)(span->metadata + entries) - 1));
  } else {
    HL_CHECK(!(span->base & (hl_class_alignment(size) - 1)));
    HL_CHECK((u32)span->metadata == span->start + HL_GRAIN);
    HL_CHECK((u32)(span->metadata + entries) + HL_GRAIN <= span->base);
  }
  for (u32 i = span->blocks; i < entries; i++) HL_CHECK(span->metadata[i].owner == HL_BLOCK_FREED);
  u32 freed = 0, bad = hl_check_blocks(span, &freed, sums), length = 0;
  if (bad) return bad;
  for (u32 i = span->free; i != HL_NO_BLOCK; i = hl_block_next_free(&span->metadata[i])) {
    HL_CHECK(i < span->blocks && (span->metadata[i].owner & HL_BLOCK_FREED));
    HL_CHECK(++length <= freed);
  }
  HL_CHECK(length == freed);
  int current = hl.current[span->class] == span;
  HL_CHECK(span->listed == (!current && freed > 0));
  sums->listed += span->listed;
  if (span->listed && span->used == 0) {
    sums->empty_spans++;
    sums->empty_pages += span->pages;
  }
  return 0;
}

static u32 hl_check_span(const hl_span *span, hl_heap_sums *sums) {
  u32 first = hl_page_of(span->start);
  HL_CHECK(!(span->start & (HL_PAGE - 1)) && hl_in_heap(span->start));
  HL_CHECK(span->pages && span->pages <= hl.map_pages - first);
  for (u32 i = 0; i < span->pages; i++) HL_CHECK(hl.map[first + i] == span);
  sums->span_pages += span->pages;
  sums->map_entries += span->pages;
  if (span->state == HL_SPAN_STATE_SMALL) return hl_check_small(span, sums);
  u32 freed = 0;
  HL_CHECK(span->state == HL_SPAN_STATE_LARGE && span->class == HL_LARGE_CLASS && span->base == span->start);
  HL_CHECK(span->blocks == 1 && span->used == 1 && span->metadata == &span->own && !span->reciprocal);
  HL_CHECK(span->block_size == span->pages * HL_PAGE && span->free == HL_NO_BLOCK);
  return hl_check_blocks(span, &freed, sums);
}

static u32 hl_check_run(const hl_span *run, u32 what, hl_heap_sums *sums) {
  u32 first = hl_page_of(run->base);
  HL_CHECK(!(run->base & (HL_PAGE - 1)) && hl_in_heap(run->base));
  HL_CHECK(run->pages && run->pages <= hl.map_pages - first);
  u32 last = first + run->pages - 1;
  HL_CHECK(hl.map[first] == run && hl.map[last] == run);
  for (u32 i = first + 1; i < last; i++) HL_CHECK(!hl.map[i] || hl.map[i]->kind == HL_KIND_GHOST);
  HL_CHECK(run->metadata == &run->own && (run->own.owner & HL_BLOCK_FREED));
  HL_CHECK(run->block_size == run->pages * HL_PAGE && !run->reciprocal);
  if (first > 0) HL_CHECK(!hl.map[first - 1] || hl.map[first - 1]->kind != HL_KIND_RUN);
  if (run->zero && (what & HL_CHECK_ZEROS))
    for (u64 *word = (u64 *)run->base; word < (u64 *)(run->base + run->pages * HL_PAGE); word++) HL_CHECK(!*word);
  sums->runs++;
  sums->run_pages += run->pages;
  sums->map_entries += last > first ? 2 : 1;
  return 0;
}

static u32 hl_check_struct(const hl_span *span, u32 what, hl_heap_sums *sums) {
  if (span->kind == HL_KIND_BLOCKS) return hl_check_span(span, sums);
  HL_CHECK(span->state == HL_SPAN_STATE_FREE);
  if (span->kind == HL_KIND_RUN) return hl_check_run(span, what, sums);
  if (span->kind == HL_KIND_UNUSED) {
    sums->unused++;
    return 0;
  }
  HL_CHECK(span->kind == HL_KIND_GHOST && hl_in_heap(span->base) && hl.map[hl_page_of(span->base)] == span);
  HL_CHECK(span->metadata == &span->own && (span->own.owner & HL_BLOCK_FREED) && !span->reciprocal);
  sums->ghosts++;
  sums->map_entries++;
  return 0;
}

/* The lists that spans are in. An entry of a list is a span when the page map names it, and the entries of the page
 * map were counted. */
static u32 hl_check_lists(const hl_heap_sums *sums) {
  u32 runs = 0, unused = 0, listed = 0;
  for (u32 bin = 0; bin < HL_BINS; bin++) {
    const hl_span *previous = 0;
    HL_CHECK(!hl.bins[bin] == !(hl.bin_bits[bin >> 5] >> (bin & 31) & 1));
    for (const hl_span *run = hl.bins[bin]; run; previous = run, run = run->next) {
      HL_CHECK(++runs <= sums->runs && run->previous == previous && run->kind == HL_KIND_RUN);
      HL_CHECK(hl_bin_of(run->pages) == bin && hl_in_heap(run->base) && hl.map[hl_page_of(run->base)] == run);
    }
  }
  HL_CHECK(runs == sums->runs);
  for (const hl_span *span = hl.free_structs; span; span = span->next)
    HL_CHECK(++unused <= sums->unused && span->kind == HL_KIND_UNUSED && span->state == HL_SPAN_STATE_FREE);
  HL_CHECK(unused == sums->unused && unused == hl.free_struct_count);
  for (u32 class = 0; class < HL_CLASSES; class++) {
    const hl_span *current = hl.current[class], *last = 0;
    if (current != &hl_start.no_span)
      HL_CHECK(hl_in_heap(current->base) && hl.map[hl_page_of(current->base)] == current && current->class == class);
    for (const hl_span *span = hl.available[class]; span; last = span, span = span->next) {
      HL_CHECK(++listed <= sums->listed && span->class == class && span->listed);
      HL_CHECK(hl_in_heap(span->base) && hl.map[hl_page_of(span->base)] == span);
    }
    HL_CHECK(hl.available_last[class] == last);
  }
  HL_CHECK(listed == sums->listed);
  return 0;
}

/* Memory for metadata that is not in use. */
static u32 hl_check_metadata(void) {
  u32 left = rt.metadata_bytes;
  for (u32 bucket = 0; bucket < HL_BUCKETS; bucket++) {
    HL_CHECK(!hl.buckets[bucket] == !(hl.bucket_bits[bucket >> 5] >> (bucket & 31) & 1));
    for (u32 piece = hl.buckets[bucket]; piece; piece = *(const u32 *)piece) {
      HL_CHECK(bucket && !(piece & (HL_GRAIN - 1)) && bucket * HL_GRAIN <= left);
      HL_CHECK(hl_in_metadata(piece) && hl_in_metadata(piece + bucket * HL_GRAIN - 1));
      left -= bucket * HL_GRAIN;
    }
  }
  u32 next = hl.metadata_next, end = hl.metadata_end;
  HL_CHECK(next <= end && !((next | end) & (HL_GRAIN - 1)) && end - next <= left);
  if (next < end) HL_CHECK(hl_in_metadata(next) && hl_in_metadata(end - 1));
  next = (u32)hl.next_account;
  end = (u32)hl.end_account;
  HL_CHECK(next <= end && !((next | end) & (HL_GRAIN - 1)));
  if (next < end) HL_CHECK(hl_in_metadata(next) && hl_in_metadata(end - 1));
  return 0;
}

/* -- cells ------------------------------------------------------------------------------------------------ */

/* Whether a table can be searched: as many entries as it says, each under its own hash. */
static u32 hl_check_keyed(const hl_table *table) {
  u32 count = 0;
  if (!table->bits) return table->count ? __LINE__ : 0;
  HL_CHECK(table->bits >= HL_FIRST_HEADS_BITS && table->bits < 28 && hl_in_metadata((u32)table->heads));
  HL_CHECK(table->count <= rt.metadata_bytes / sizeof(hl_keyed));
  for (u32 i = 0; i < 1u << table->bits; i++)
    for (const hl_keyed *entry = table->heads[i]; entry; entry = entry->same_hash)
      HL_CHECK(++count <= table->count && hl_table_head(table, entry->address) == &table->heads[i]);
  HL_CHECK(count == table->count);
  return 0;
}

HL_INLINE u32 hl_check_cell(const hl_cell *cell, hl_heap_sums *sums) {
  const hl_holder *holder = cell->holder;
  HL_CHECK(hl_in_metadata((u32)holder) && holder->key.address == cell->inside);
  HL_CHECK(cell->previous ? cell->previous->next == cell : holder->first == cell);
  HL_CHECK(!cell->next || cell->next->previous == cell);
  if (!hl_cell_is_live(cell)) return 0;
  const hl_node *node = hl_check_owner(cell->block.owner);
  HL_CHECK(node && !(cell->block.owner & HL_WAITING));
  sums->objects++;
  sums->bytes += cell->block.requested;
  sums->weighed += hl_weigh(node, 1, cell->block.requested);
  if (!cell->held) return 0;
  u32 start;
  const hl_block *around = hl_block_around_any(cell->inside, &start);
  HL_CHECK(around && start == cell->inside && cell->held <= holder->held && holder->held <= around->requested);
  sums->bytes -= cell->held;
  sums->weighed -= hl_weigh(hl_check_owner(around->owner), 0, cell->held);
  return 0;
}

static u32 hl_check_cells(hl_heap_sums *sums) {
  u32 bad, known = 0, live = 0;
  if ((bad = hl_check_keyed(&hl.cells.table)) || (bad = hl_check_keyed(&hl.cells.holders))) return bad;
  if ((bad = hl_check_keyed(&hl.cells.pools))) return bad;
  HL_CHECK(!rt.first_cell_chunk == !hl.cells.last_chunk && !hl.cells.sorted);
  u32 left = rt.metadata_bytes;
  for (const hl_chunk *chunk = rt.first_cell_chunk; chunk; chunk = chunk->next) {
    HL_CHECK(!((u32)chunk & (HL_GRAIN - 1)) && hl_in_metadata((u32)chunk) && (chunk == hl.cells.last_chunk) == !chunk->next);
    HL_CHECK(chunk->used == HL_CELLS_FEW || chunk->used == HL_CELLS_MANY);
    u32 bytes = sizeof *chunk + chunk->used * sizeof(hl_cell);
    HL_CHECK(bytes <= left);
    left -= bytes;
    const hl_cell *cells = (const hl_cell *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++) {
      if (!cells[i].holder) continue;
      known++;
      live += hl_cell_is_live(&cells[i]);
      if ((bad = hl_check_cell(&cells[i], sums))) return bad;
    }
  }
  HL_CHECK(known == hl.cells.table.count && live == hl.cells.live);
  return 0;
}

/* State that never changes, or that is the same whenever no function of the runtime is active. */
static u32 hl_check_constants(void) {
  HL_CHECK(hl_start.no_child.site == HL_SITE_NONE && hl_start.no_child.next_sibling == &hl_start.no_child);
  HL_CHECK(hl_start.no_span.free == HL_NO_BLOCK && hl_start.no_span.class == HL_LARGE_CLASS && !hl_start.no_span.used);
  HL_CHECK(!hl_start.no_span.pages && !hl_start.no_span.kind);
  HL_CHECK(!hl.graph.tables && !hl.graph.pieces);
  if (!hl.initialised) return 0;
  HL_CHECK(hl.fast_limit == hl_fast_limit());
  HL_CHECK(hl.shadowed_limit == hl_shadowed_limit());
  HL_CHECK(hl.keeps_freed <= 1 && hl.free_pages == (hl.keeps_freed ? 0 : hl.map_pages));
  u32 class = 0;
  for (u32 i = 0; i < HL_ARRAY_LENGTH(hl.class_of); i++) {
    if (i * 16 > hl_class_size(class)) class++;
    HL_CHECK(hl.class_of[i] == class);
  }
  return 0;
}

/* `contexts` has the sums over the contexts. */
static u32 hl_check_heap(u32 what, const hl_sums *contexts) {
  u32 bad, entries = 0;
  hl_heap_sums sums = {0};
  if ((bad = hl_check_constants())) return bad;
  if (!hl.initialised) return 0;
  if (rt.heap_bytes && (bad = hl_check_map())) return bad;
  HL_CHECK(rt.heap_bytes || !hl.map_pages);
  for (const hl_chunk *chunk = rt.first_span_chunk; chunk; chunk = chunk->next) {
    if ((bad = hl_check_span_chunk(chunk, sums.structs))) return bad;
    sums.structs += chunk->used;
    const hl_span *spans = (const hl_span *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++) {
      if ((bad = hl_check_struct(&spans[i], what, &sums))) return bad;
      HL_CHECK(sums.span_pages + sums.run_pages <= hl.map_pages);
    }
  }
  if ((bad = hl_check_cells(&sums))) return bad;
  HL_CHECK(sums.objects == contexts->live_objects && sums.bytes == contexts->live_bytes);
  HL_CHECK(sums.kept == hl.quarantine.count && hl.quarantine.bytes <= hl.quarantine.limit);
  HL_CHECK(sums.weighed == contexts->weighed);
  HL_CHECK(sums.empty_spans == hl.empty_spans && sums.empty_pages == hl.empty_pages);
  for (u32 page = 0; page < hl.map_pages; page++) entries += !!hl.map[page];
  HL_CHECK(entries == sums.map_entries);
  if ((bad = hl_check_lists(&sums))) return bad;
  return hl_check_metadata();
}

#else

/* -- records ---------------------------------------------------------------------------------------------- */

static u32 hl_check_pages(void) { return 0; }

/* The table of the program's blocks. `contexts` has the sums over the contexts. */
static u32 hl_check_heap(u32 what, const hl_sums *contexts) {
  (void)what;
  u32 capacity = hl_recorded_blocks.capacity, count = 0, looked = 0, last = HL_BLOCK_FREED;
  const hl_record *entries = hl_recorded_blocks.entries;
  u64 bytes = 0, weighed = 0;
  const hl_node *node = 0;
  HL_CHECK(hl_start.no_child.site == HL_SITE_NONE && hl_start.no_child.next_sibling == &hl_start.no_child);
  HL_CHECK(!(capacity & (capacity - 1)) && hl_recorded_blocks.count <= capacity && !hl_start.index.pages);
  HL_CHECK((u64)(u32)entries + (u64)capacity * sizeof *entries <= hl_memory_end() && !((u32)entries & (HL_GRAIN - 1)));
  for (u32 i = 0; i < capacity; i++) {
    const hl_record *entry = &entries[i];
    if (!entry->address) continue;
    u32 owner = entry->block.owner;
    HL_CHECK(!(owner & (HL_BLOCK_FREED | HL_WAITING)) && ++count <= hl_recorded_blocks.count);
    HL_CHECK((u64)entry->address + entry->block.requested <= hl_memory_end() && !(entry->address & 3));
    for (u32 at = hl_record_hash(entry->address); at != i; at = (at + 1) & (capacity - 1)) {
      HL_CHECK(entries[at].address);
      HL_CHECK(++looked / 64 <= capacity);
    }
    if (owner != last) {
      HL_CHECK((node = hl_check_owner(owner)));
      last = owner;
    }
    bytes += entry->block.requested;
    weighed += hl_weigh(node, 1, entry->block.requested);
  }
  HL_CHECK(count == hl_recorded_blocks.count && count == contexts->live_objects);
  HL_CHECK(bytes == contexts->live_bytes && weighed == contexts->weighed);
  return 0;
}

#endif

/* `what` is HL_CHECK_* bits. */
HL_INLINE u32 hl_check(u32 what) {
  hl_sums sums = {0};
  u32 bad = hl_check_header();
  if (!bad && what && hl.initialised) bad = hl_check_contexts(what, &sums);
  if (!bad && what && hl.initialised) bad = hl_check_pages();
  if (!bad && (what & HL_CHECK_HEAP)) bad = hl_check_heap(what, &sums);
  return bad;
}

/* Whether the path of one context leads to the root, with each frame a child of the one before. */
HL_INLINE u32 hl_check_context(const hl_node *node) {
  u32 bad = hl_check_header(), looked = 0;
  if (!bad && node != rt.root_node) bad = hl_check_table();
  for (u32 depth = 0; !bad && node != rt.root_node; node = node->parent) {
    HL_CHECK(node && !((u32)node & (sizeof *node - 1)) && ++depth <= rt.contexts);
    if (hl_is_bud(node)) HL_CHECK(hl_bud_length((const hl_bud *)node) - 1 < HL_BUD_SITES);
    bad = hl_check_child(node, &looked);
  }
  return bad;
}
