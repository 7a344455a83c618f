/* metadata.c -- memory for the runtime itself: nodes, buds, accounts, span structs, tables, and the metadata of
 * blocks that is not in their span's own pages (spans.c).
 *
 * It is cut from chunks of whole pages in multiples of 64 bytes, so that the address of an account leaves six bits
 * for flags, that of a bud five and that of a node four. Freed pieces go to a bucket by size and are cut again. They
 * are not merged, because the same few sizes come again and again. A piece of more than 16 KB has pages of its own.
 * Each chunk begins and ends with 64 unused bytes: its neighbours may be blocks of the program, and a write a little
 * beside those must not reach metadata.
 */
#include "platform.h"

#define HL_PIECE_MAX ((HL_BUCKETS - 1) * HL_GRAIN)

static void hl_bucket_push(u32 address, u32 bytes) {
  u32 bucket = bytes / HL_GRAIN;
  HL_ASSERT(bucket < HL_BUCKETS && !((address | bytes) & (HL_GRAIN - 1)));
#ifndef HL_RECORDER
  HL_ASSERT_INTERNAL(!hl.map[hl_page_of(address)]);
#endif
  *(u32 *)address = hl.buckets[bucket];
  hl.buckets[bucket] = address;
  hl.bucket_bits[bucket >> 5] |= 1u << (bucket & 31);
}

static u32 hl_bucket_pop(u32 bucket) {
  u32 address = hl.buckets[bucket];
  HL_ASSERT(address && !(address & (HL_GRAIN - 1)));
  if (!(hl.buckets[bucket] = *(u32 *)address)) hl.bucket_bits[bucket >> 5] &= ~(1u << (bucket & 31));
  return address;
}

HL_INLINE u32 hl_metadata_round(u32 bytes) { return (bytes + HL_GRAIN - 1) & -HL_GRAIN; }
HL_INLINE u32 hl_metadata_pages(u32 bytes) { return (bytes + 2 * HL_GRAIN + HL_PAGE - 1) >> HL_PAGE_SHIFT; }

static void hl_metadata_retire_chunk(void) {
  while (hl.metadata_end > hl.metadata_next) {
    u32 rest = hl.metadata_end - hl.metadata_next;
    if (rest > HL_PIECE_MAX) rest = HL_PIECE_MAX;
    hl_bucket_push(hl.metadata_next, rest);
    hl.metadata_next += rest;
  }
}

#ifdef HL_RECORDER

/* A block of the program's allocator. Its malloc may call memalign, and that is no allocation of the program. */
static u32 hl_metadata_run(u32 pages) {
  u32 bytes = pages << HL_PAGE_SHIFT;
  hl_start.recorded.active++;
  u32 start = (u32)heapline_program_malloc(bytes + HL_GRAIN);
  hl_start.recorded.active--;
  if (!start) return 0;
  rt.heap_bytes += bytes;
  rt.metadata_bytes += bytes;
  return hl_metadata_round(start) + HL_GRAIN;
}

#else

/* Takes pages for metadata. A free of any address in them is a foreign free. */
static u32 hl_metadata_run(u32 pages) {
  hl_span *run = hl_pages_allocate(pages);
  if (!run) {
    hl.metadata_missing = 1;
    return 0;
  }
  u32 base = run->base;
  hl_map_fill(hl_page_of(base), run->pages, 0);
  hl_struct_recycle(run);
  rt.metadata_bytes += pages << HL_PAGE_SHIFT;
  return base + HL_GRAIN;
}

#endif

/* Memory that is not zeroed: a multiple of 64 bytes, at a multiple of 64. Null when memory is exhausted. */
static void *hl_metadata_allocate(u32 bytes) {
  bytes = hl_metadata_round(bytes);
  if (bytes > HL_PIECE_MAX) return (void *)hl_metadata_run(hl_metadata_pages(bytes));
  u32 bucket = bytes / HL_GRAIN;
  if (hl.buckets[bucket]) return (void *)hl_bucket_pop(bucket);
  if (hl.metadata_end - hl.metadata_next < bytes) {
    for (u32 word = bucket >> 5, mask = -1u << (bucket & 31); word < HL_ARRAY_LENGTH(hl.bucket_bits);
         word++, mask = -1u) {
      u32 bits = hl.bucket_bits[word] & mask;
      if (!bits) continue;
      u32 found = word * 32 + (u32)__builtin_ctz(bits);
      u32 address = hl_bucket_pop(found);
      hl_bucket_push(address + bytes, found * HL_GRAIN - bytes);
      return (void *)address;
    }
    u32 pages = rt.heap_bytes / 64 >> HL_PAGE_SHIFT;
    if (pages > 16) pages = 16;
    if (pages < hl_metadata_pages(bytes)) pages = hl_metadata_pages(bytes);
    u32 chunk = hl_metadata_run(pages);
    if (!chunk && pages > hl_metadata_pages(bytes)) chunk = hl_metadata_run(pages = hl_metadata_pages(bytes));
    if (!chunk) return 0;
    hl_metadata_retire_chunk();
    hl.metadata_next = chunk;
    hl.metadata_end = chunk - 2 * HL_GRAIN + (pages << HL_PAGE_SHIFT);
  }
  u32 address = hl.metadata_next;
  hl.metadata_next += bytes;
  HL_ASSERT(hl.metadata_next <= hl.metadata_end);
  return (void *)address;
}

#ifdef HL_RECORDER

/* Nothing goes back to the program's allocator: a large piece is cut into smaller ones. */
static void hl_metadata_release(void *address, u32 bytes) {
  u32 at = (u32)address;
  for (u32 left = hl_metadata_round(bytes), piece; left; at += piece, left -= piece)
    hl_bucket_push(at, piece = left < HL_PIECE_MAX ? left : HL_PIECE_MAX);
}

#else

static void hl_metadata_release(void *address, u32 bytes) {
  bytes = hl_metadata_round(bytes);
  if (bytes <= HL_PIECE_MAX) {
    hl_bucket_push((u32)address, bytes);
    return;
  }
  hl_span *run = hl_struct_new();
  if (!run) return;
  run->base = (u32)address - HL_GRAIN;
  run->pages = hl_metadata_pages(bytes);
  rt.metadata_bytes -= run->pages << HL_PAGE_SHIFT;
  hl_run_release(run);
}

#endif
