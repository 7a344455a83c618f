/* check.c -- walks every invariant of the heap and the ledger. For tests: the linker drops it elsewhere.
 *
 * heapline_check() returns 0, or the line of the first check that failed.
 */
#include "platform.h"

#define HL_CHECK(condition) \
  do { \
    if (!(condition)) return __LINE__; \
  } while (0)

static u32 hl_check_span(hl_span *span, u32 *listed_empty) {
  u32 first = hl_page_of(span->start);
  HL_CHECK(first + span->pages <= hl.map_pages);
  HL_CHECK(!(span->start & (HL_PAGE - 1)));
  for (u32 i = 0; i < span->pages; i++) HL_CHECK(hl.map[first + i] == span);
  if (span->state == HL_SPAN_STATE_LARGE) {
    HL_CHECK(span->blocks == 1 && span->used == 1 && span->metadata == &span->own);
    HL_CHECK(span->block_size == span->pages * HL_PAGE && span->own.requested <= span->block_size);
    return 0;
  }
  HL_CHECK(span->block_size == hl_class_size(span->class));
  u32 end = span->start + span->pages * HL_PAGE;
  u32 entries = hl_span_entries(span->block_size, span->blocks, end - span->base);
  HL_CHECK(span->base + span->blocks * span->block_size <= end);
  if (span->base == span->start) {
    HL_CHECK(span->block_size > HL_PACKED_MAX);
  } else {
    HL_CHECK(!(span->base & (hl_class_alignment(span->block_size) - 1)));
    HL_CHECK((u32)span->metadata == span->start + HL_GRAIN);
    HL_CHECK((u32)(span->metadata + entries) + HL_GRAIN <= span->base);
  }
  for (u32 i = span->blocks; i < entries; i++) HL_CHECK(span->metadata[i].owner == HL_BLOCK_FREED);
  u32 freed = 0;
  for (u32 i = 0; i < span->blocks; i++) {
    if (span->metadata[i].owner & HL_BLOCK_FREED)
      freed++;
    else
      HL_CHECK(span->metadata[i].requested <= span->block_size);
  }
  HL_CHECK(freed + span->used == span->blocks);
  u32 length = 0;
  for (u32 i = span->free; i != HL_NO_BLOCK; i = hl_block_next_free(&span->metadata[i])) {
    HL_CHECK(i < span->blocks && (span->metadata[i].owner & HL_BLOCK_FREED));
    HL_CHECK(++length <= span->blocks);
  }
  HL_CHECK(length == freed);
  int current = hl.current[span->class] == span;
  HL_CHECK(span->listed == (!current && freed > 0));
  if (span->listed && span->used == 0) {
    ++listed_empty[0];
    listed_empty[1] += span->pages;
  }
  return 0;
}

static u32 hl_check_run(hl_span *run) {
  u32 first = hl_page_of(run->base), last = first + run->pages - 1;
  HL_CHECK(run->pages > 0 && last < hl.map_pages);
  HL_CHECK(hl.map[first] == run && hl.map[last] == run);
  for (u32 i = first + 1; i < last; i++) HL_CHECK(!hl.map[i] || hl.map[i]->kind == HL_KIND_GHOST);
  HL_CHECK(run->own.owner & HL_BLOCK_FREED);
  if (first > 0) HL_CHECK(!hl.map[first - 1] || hl.map[first - 1]->kind != HL_KIND_RUN);
  if (run->zero)
    for (u64 *word = (u64 *)run->base; word < (u64 *)(run->base + run->pages * HL_PAGE); word++) HL_CHECK(!*word);
  u32 found = 0;
  for (hl_span *other = hl.bins[hl_bin_of(run->pages)]; other; other = other->next) found += other == run;
  HL_CHECK(found == 1);
  return 0;
}

/* What the contexts add up to. */
typedef struct hl_sums {
  u32 contexts, live_objects, live_bytes, peak_objects, peak_bytes;
  u64 alloc_objects, alloc_bytes;
} hl_sums;

static void hl_sum_account(hl_sums *sums, const hl_account *account) {
  u32 objects = (u32)account->alloc_objects - account->freed_objects;
  u32 bytes = (u32)account->alloc_bytes - account->freed_bytes;
  int saved = account->peak_epoch == rt.peak_epoch;
  sums->live_objects += objects;
  sums->live_bytes += bytes;
  sums->alloc_objects += account->alloc_objects;
  sums->alloc_bytes += account->alloc_bytes;
  sums->peak_objects += saved ? account->peak_objects : objects;
  sums->peak_bytes += saved ? account->peak_bytes : bytes;
}

static u32 hl_check_node(hl_node *node, hl_sums *sums) {
  sums->contexts++;
  HL_CHECK((node == rt.root_node) == !node->parent);
  HL_CHECK(!((u32)node & HL_LINK_FLAGS) && !hl_is_bud(node));
  if (node->parent) HL_CHECK(hl_child(node->parent, node->site) == node);
  if (hl_has_account(node)) {
    hl_account *account = hl_account_of(node);
    HL_CHECK(!((u32)account & ~HL_BLOCK_OWNER_MASK) && account->node == node);
    hl_sum_account(sums, account);
  }
  return 0;
}

static u32 hl_check_bud(const hl_bud *bud, hl_sums *sums) {
  const hl_node *node = &bud->node;
  u32 length = hl_bud_length(bud), link = node->link, ring = 0;
  HL_CHECK(!((u32)bud & ~HL_BLOCK_OWNER_MASK) && length >= 1 && length <= HL_BUD_SITES);
  HL_CHECK(!(link & (HL_NODE_LINK_ACCOUNT | HL_WIDE)) && !hl_is_bud(node->parent));
  HL_CHECK(!(link & HL_BUD_FREED) || (link & HL_BUD_ALLOCATED));
  HL_CHECK(!(*hl_children(node->parent) & HL_WIDE));
  const hl_node *sibling = node;
  do {
    sibling = sibling->next_sibling;
    HL_CHECK(sibling->parent == node->parent && ++ring <= HL_NARROW);
    HL_CHECK(sibling == node || (sibling->site | HL_SITE_BUD) != node->site);
  } while (sibling != node);
  sums->contexts += length;
  int allocated = !!(link & HL_BUD_ALLOCATED), live = allocated && !(link & HL_BUD_FREED);
  sums->alloc_objects += allocated;
  sums->alloc_bytes += allocated * bud->size;
  sums->live_objects += live;
  sums->live_bytes += live * bud->size;
  sums->peak_objects += hl_bud_at_peak(bud);
  sums->peak_bytes += hl_bud_at_peak(bud) * bud->size;
  return 0;
}

/* The tree and its sums; leaves in `sums` what is in use. */
static u32 hl_check_contexts(hl_sums *sums) {
  u32 bad;
  for (hl_chunk *chunk = rt.first_chunk; chunk; chunk = chunk->next) {
    HL_CHECK(chunk->used <= chunk->capacity);
    hl_node *nodes = (hl_node *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++)
      if ((bad = hl_check_node(&nodes[i], sums))) return bad;
  }
  for (hl_chunk *chunk = rt.first_bud_chunk; chunk; chunk = chunk->next) {
    HL_CHECK(chunk->used <= chunk->capacity);
    hl_bud *buds = (hl_bud *)(chunk + 1);
    for (u32 i = 0; i < chunk->used; i++)
      if ((bad = hl_is_bud(&buds[i].node) ? hl_check_bud(&buds[i], sums) : hl_check_node(&buds[i].node, sums)))
        return bad;
  }
  HL_CHECK(sums->contexts == rt.contexts);
  HL_CHECK(sums->live_objects == (u32)rt.alloc_objects - rt.freed_objects);
  HL_CHECK(sums->live_bytes == (u32)rt.alloc_bytes - rt.freed_bytes);
  HL_CHECK(sums->alloc_objects == rt.alloc_objects && sums->alloc_bytes == rt.alloc_bytes);
  HL_CHECK(sums->peak_objects == rt.peak_objects && sums->peak_bytes == rt.peak_bytes);
  return 0;
}

u32 heapline_check(void) {
  if (!hl.initialised) return 0;
  u32 live_objects = 0, live_bytes = 0, empty[2] = {0, 0}, unused = 0, runs = 0, bad;
  hl_sums sums = {0};
  if ((bad = hl_check_contexts(&sums))) return bad;
  u32 structs = 0;
  for (hl_chunk *chunk = rt.first_span_chunk; chunk; chunk = chunk->next) {
    hl_span *spans = (hl_span *)(chunk + 1);
    structs += chunk->used;
    for (u32 i = 0; i < chunk->used; i++) {
      hl_span *span = &spans[i];
      if (span->kind == HL_KIND_UNUSED) {
        HL_CHECK(span->state == HL_SPAN_STATE_FREE);
        unused++;
      } else if (span->kind == HL_KIND_RUN) {
        HL_CHECK(span->state == HL_SPAN_STATE_FREE);
        runs++;
        if ((bad = hl_check_run(span))) return bad;
      } else if (span->kind == HL_KIND_GHOST) {
        HL_CHECK(span->state == HL_SPAN_STATE_FREE);
        HL_CHECK(hl.map[hl_page_of(span->base)] == span);
        HL_CHECK(span->own.owner & HL_BLOCK_FREED);
      } else {
        HL_CHECK(span->state != HL_SPAN_STATE_FREE);
        if ((bad = hl_check_span(span, empty))) return bad;
        for (u32 j = 0; j < span->blocks; j++) {
          if (span->metadata[j].owner & HL_BLOCK_FREED) continue;
          live_objects++;
          live_bytes += span->metadata[j].requested;
        }
      }
    }
  }
  HL_CHECK(structs == rt.spans && unused == hl.free_struct_count);
  HL_CHECK(live_objects == sums.live_objects && live_bytes == sums.live_bytes);
  HL_CHECK(empty[0] == hl.empty_spans && empty[1] == hl.empty_pages);
  for (u32 bin = 0; bin < HL_BINS; bin++) {
    HL_CHECK(!hl.bins[bin] == !(hl.bin_bits[bin >> 5] >> (bin & 31) & 1));
    for (hl_span *run = hl.bins[bin]; run; run = run->next) runs--;
  }
  HL_CHECK(runs == 0);
  return 0;
}
