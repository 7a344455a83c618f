/* books.c -- what the ledger and a block's metadata say of a block: that it was handed out, freed, or that there was no
 * memory for it. Allocators come after this file.
 */
#include "platform.h"

/* Counts the first allocation of a context. Returns the owner of the block. */
HL_INLINE u32 hl_ledger_allocate_first_here(hl_node *node, u32 size) {
  if (hl_is_bud(node)) {
    hl_bud_ledger_allocate((hl_bud *)node, size);
    return (u32)node | HL_BLOCK_BUD;
  }
  hl_account *account = hl_account_charged(node);
  hl_ledger_allocate_to(account, size);
  return (u32)account;
}

HL_SLOW u32 hl_ledger_allocate_first(hl_node *node, u32 size) { return hl_ledger_allocate_first_here(node, size); }

HL_INLINE u32 hl_ledger_allocate(hl_node *node, u32 size, int first_is_likely) {
  if (!hl_has_account(node))
    return (first_is_likely ? hl_ledger_allocate_first_here : hl_ledger_allocate_first)(node, size);
  hl_account *account = hl_account_of(node);
  hl_ledger_allocate_to(account, size);
  return (u32)account;
}

/* Writes a taken block into the books: it is the program's from here on. */
HL_INLINE void hl_block_hand_out(hl_block *block, u32 owner, u32 size) {
  block->owner = owner;
  block->requested = size;
  block->serial = (u32)rt.alloc_objects;
}

/* Counts a block that is freed, or that changes its size. */
HL_INLINE void hl_ledger_free(const hl_block *block, u32 size) {
  u32 owner = block->owner & HL_BLOCK_OWNER_MASK;
  if (HL_LIKELY(!(block->owner & HL_BLOCK_BUD)))
    hl_ledger_free_from((hl_account *)owner, size, block->serial);
  else
    hl_bud_ledger_free((hl_bud *)owner, size, block->serial);
}

/* There is no memory for `size` bytes. The host is told each time, because that is rare, and writes down where it
 * was. */
HL_COLD void hl_books_failed(u64 size, const hl_node *context) {
  hl.failure = (hl_fault){
      .kind = HL_FAULT_NO_MEMORY,
      .context = (u32)context,
      .block = (u32)(size >> 32),
      .block_size = (u32)size,
  };
  rt.failed++;
  heapline_host_fault(&hl.failure);
}
