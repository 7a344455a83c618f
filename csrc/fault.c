/* fault.c -- judging bad pointers, recording them, telling the host.
 *
 * A record has three contexts: where the fault happened, where the block was allocated, and where it was freed first
 * (HL_FLAG_FREE_CONTEXTS). The host decides what follows. It may throw inside heapline.fault, which stops the guest.
 * When it returns, the bad call is ignored.
 */
#include "platform.h"

HL_COLD void hl_heap_initialise(void);

/* The context that freed a block (packed as free.c says), as a node. The node is made here when there is none yet. */
static hl_node *hl_block_freer(const hl_block *block) {
  if (!(rt.flags & HL_FLAG_FREE_CONTEXTS)) return 0;
  hl_place place = block->requested | (u64)block->serial << 32;
  hl_node *node = (hl_node *)((u32)place << 4);
  u32 site = (u32)(place >> HL_PLACE_SITE_SHIFT) & 0xffffff;
  return node && site ? hl_child(node, site) : node;
}

/* Puts a record into the ring and tells the host. */
HL_COLD void hl_fault_tell(const hl_fault *record) {
  hl_fault *slot = &rt.fault_ring[rt.faults % HL_FAULT_RING_LENGTH];
  *slot = *record;
  rt.faults++;
  heapline_host_fault(slot);
}

static u32 hl_freed_size(u32 address, const hl_span *span);

/* `address` is not the start of a live block. */
HL_COLD void hl_fault_report(u32 address, int reallocating) {
  if (!hl.initialised) hl_heap_initialise();
  hl_fault record = {
      .kind = HL_FAULT_FOREIGN_FREE,
      .address = address,
      .context = (u32)hl_context(),
  };
  u32 page = hl_page_of(address);
  if (page < hl.map_pages && address >= hl.heap_start) {
    record.kind = HL_FAULT_UNALLOCATED_FREE;
    hl_span *span = hl.map[page];
    if (span) {
      u32 offset = address - span->base, index = offset / span->block_size;
      hl_block *block = &span->metadata[index];
      int start = offset == index * span->block_size;
      /* In free pages, only the start of a freed large block is known. */
      int known = span->kind == HL_KIND_BLOCKS ? address >= span->base && index < span->blocks : start;
      if (known && (block->owner & HL_BLOCK_OWNER_MASK)) {
        record.alloc_context = (u32)hl_block_context(block);
        record.block = span->base + index * span->block_size;
        if (block->owner & HL_BLOCK_FREED) {
          record.free_context = (u32)hl_block_freer(block);
          record.block_size = hl_freed_size(record.block, span);
          record.kind = start ? HL_FAULT_DOUBLE_FREE : HL_FAULT_INTERIOR_FREE;
        } else {
          record.block_size = block->requested;
          record.kind = HL_FAULT_INTERIOR_FREE;
        }
      }
    }
  }
  if (reallocating)
    record.kind = record.kind == HL_FAULT_DOUBLE_FREE ? HL_FAULT_REALLOC_FREED : HL_FAULT_REALLOC_FOREIGN;
  hl_fault_tell(&record);
}
