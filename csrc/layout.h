/* layout.h -- the one source of the layout that C and TypeScript share.
 *
 * Every constant below is an integer literal (decimal or hexadecimal) on one line, because
 * scripts/generate-layout.mjs turns this file into src/runtime/layout.ts. The C side asserts each offset against
 * its structs (heapline.c), the test suite asserts that the generated file is current. All offsets and sizes
 * are in bytes, all fields little-endian, "address" means a 32-bit offset into linear memory.
 */
#ifndef HEAPLINE_LAYOUT_H
#define HEAPLINE_LAYOUT_H

/* Identity: the first two words of the runtime block. The version changes with any change of this file. */
#define HL_MAGIC 0x50414548
#define HL_ABI_VERSION 6

/* Shadow stack: slots of 8 bytes { site: u32, node: u32 } in the data symbol `heapline_shadow`.
 * Slot 0 is the sentinel (its node is the root). `top` is the address of the innermost written slot; a
 * function that enters uses the slot after it, or the last slot when there is none (then attribution is
 * truncated: see HL_SITE_TRUNCATED). */
#define HL_SHADOW_SLOTS 10240
#define HL_SLOT_SIZE 8
#define HL_SLOT_SITE 0
#define HL_SLOT_NODE 4

/* Sites. Below HL_SITE_HOST_FLAG: offset of a call opcode from the start of the ORIGINAL module's code section
 * payload. With the flag: the id (low 31 bits) of an interned host (JS) stack, 0 meaning "host, not captured". */
#define HL_SITE_HOST_FLAG 0x80000000
/* Slot only: host entry whose JS stack was not asked for yet. */
#define HL_SITE_HOST_PENDING 0xffffffff
/* Node only: stands for the frames that did not fit in the shadow stack. */
#define HL_SITE_TRUNCATED 0xfffffffe
/* Bud only (with HL_SITE_HOST_FLAG clear): tells it from a node. */
#define HL_SITE_BUD 0x40000000

/* The runtime block: data symbol `heapline_runtime`. */
#define HL_RUNTIME_MAGIC 0
#define HL_RUNTIME_VERSION 4
#define HL_RUNTIME_TOP 8
#define HL_RUNTIME_FLAGS 12
#define HL_RUNTIME_ROOT_NODE 16
#define HL_RUNTIME_FIRST_CHUNK 20
#define HL_RUNTIME_CONTEXTS 24
#define HL_RUNTIME_PEAK_EPOCH 28
#define HL_RUNTIME_ALLOC_OBJECTS 32
#define HL_RUNTIME_ALLOC_BYTES 40
/* Low words of the freed totals: live = allocated minus freed, modulo 2^32. */
#define HL_RUNTIME_FREED_OBJECTS 48
#define HL_RUNTIME_FREED_BYTES 52
#define HL_RUNTIME_PEAK_OBJECTS 56
#define HL_RUNTIME_PEAK_BYTES 60
#define HL_RUNTIME_FAULTS 64
#define HL_RUNTIME_FAULT_RING 68
#define HL_RUNTIME_FIRST_BUD_CHUNK 72
/* Serial of the newest block: the low word of HL_RUNTIME_ALLOC_OBJECTS. */
#define HL_RUNTIME_SERIAL 32
#define HL_RUNTIME_FIRST_SPAN_CHUNK 76
#define HL_RUNTIME_SPANS 80
#define HL_RUNTIME_METADATA_BYTES 84
#define HL_RUNTIME_HEAP_BYTES 88
#define HL_RUNTIME_FAILED 92

/* Flags the host may set in HL_RUNTIME_FLAGS (through heapline_set_flags). */
/* Call the import heapline.trace after every allocation (tests only; slow). */
#define HL_FLAG_TRACE 1
/* Ask the host for its stack at the first allocation below a host entry. */
#define HL_FLAG_HOST_FRAMES 2
/* Remember where each block was freed, for the third stack of a double free. */
#define HL_FLAG_FREE_CONTEXTS 4

/* A context: a node of the calling-context tree. Its address is its id; the tree's parent links lead to the
 * root, whose parent is 0. Most nodes only lie on the way to others: what a node allocated is in its account,
 * which exists from its first allocation on. HL_NODE_LINK is the account's address plus
 * HL_NODE_LINK_ACCOUNT; without that bit there is no account, and the rest means nothing to others than
 * context.c. */
#define HL_NODE_SIZE 16
#define HL_NODE_PARENT 0
#define HL_NODE_SITE 4
#define HL_NODE_LINK 8
#define HL_NODE_NEXT_SIBLING 12
#define HL_NODE_LINK_ACCOUNT 1

/* A context that has allocated at most once may be a bud: one entry for the last HL_BUD_SITES sites of its path at
 * most, of which all but the last have no node of their own yet. It starts like a node: parent; the path's first site
 * | HL_SITE_BUD; HL_BUD_* flags and the epoch of the peak from HL_BUD_EPOCH_SHIFT on; next sibling. When its path
 * comes again it becomes a node with an account, at the same address: then its site is without HL_SITE_BUD and the
 * second half means nothing. Sites have HL_BUD_SITE_BITS bits; what is above them in the third word is the number of
 * sites, in the second word the high bits of HL_BUD_CLOCK: the clock when the block was allocated, or, with
 * HL_BUD_FREED, how much it moved until the block was freed. */
#define HL_BUD_SIZE 32
#define HL_BUD_BYTES 16
#define HL_BUD_CLOCK 20
#define HL_BUD_SECOND 24
#define HL_BUD_THIRD 28
#define HL_BUD_SITES 3
#define HL_BUD_SITE_BITS 24
/* It has allocated its block. (It has not while, and if, there was no memory for the block.) */
#define HL_BUD_ALLOCATED 4
#define HL_BUD_FREED 8
/* Freed before the next allocation of anybody. */
#define HL_BUD_TEMPORARY 16
/* With the epoch of HL_RUNTIME_PEAK_EPOCH: the block is part of the peak. With another epoch it is when it is in
 * use. */
#define HL_BUD_PEAK 32
#define HL_BUD_EPOCH_SHIFT 8

/* The account of a context. Live objects (bytes) are allocated minus freed, modulo 2^32: the freed counters
 * are the low words of sums that are otherwise never needed. */
#define HL_ACCOUNT_SIZE 64
#define HL_ACCOUNT_FREED_OBJECTS 0
#define HL_ACCOUNT_FREED_BYTES 4
#define HL_ACCOUNT_ALLOC_OBJECTS 8
#define HL_ACCOUNT_ALLOC_BYTES 16
#define HL_ACCOUNT_NODE 24
/* The context's share of the peak: HL_ACCOUNT_PEAK_OBJECTS and _BYTES when this equals HL_RUNTIME_PEAK_EPOCH,
 * its live objects and bytes now otherwise (it has not changed since, or grew into the peak itself). */
#define HL_ACCOUNT_PEAK_EPOCH 28
#define HL_ACCOUNT_PEAK_OBJECTS 32
#define HL_ACCOUNT_PEAK_BYTES 36
/* Blocks freed before the next allocation of anybody: the low word; what is above is in the bits of
 * HL_ACCOUNT_TEMPORARY_BYTES from HL_TEMPORARY_BYTES_BITS on. */
#define HL_ACCOUNT_TEMPORARY_OBJECTS 40
#define HL_ACCOUNT_CHILDREN 44
#define HL_ACCOUNT_TEMPORARY_BYTES 48
#define HL_TEMPORARY_BYTES_BITS 52
/* Wrapping i64: sum of the clock at each free minus the clock at each allocation. Add live objects times the
 * clock now for the summed age of all blocks so far. The clock is HL_RUNTIME_ALLOC_BYTES, the block's own
 * bytes included. */
#define HL_ACCOUNT_LIFETIME 56

/* Nodes, buds and spans come in chunks { next chunk or 0: u32, entries used: u32, room for entries: u32 }, entries from
 * HL_CHUNK_ENTRIES on. */
#define HL_CHUNK_NEXT 0
#define HL_CHUNK_USED 4
#define HL_CHUNK_CAPACITY 8
#define HL_CHUNK_ENTRIES 64

/* A span: a run of heap pages cut into blocks of one size. */
#define HL_SPAN_SIZE 64
#define HL_SPAN_BASE 0
#define HL_SPAN_BLOCK_SIZE 4
#define HL_SPAN_BLOCKS 8
#define HL_SPAN_METADATA 12
#define HL_SPAN_STATE 16
#define HL_SPAN_PAGES 20
#define HL_SPAN_STATE_FREE 0
#define HL_SPAN_STATE_SMALL 1
#define HL_SPAN_STATE_LARGE 2

/* Metadata of one block, out of band: { owner | HL_BLOCK_* bits, requested size, serial }. The owner is the address of
 * an account or, with HL_BLOCK_BUD, of what was a bud when the block was allocated. A block that was never handed out
 * has owner 0 and HL_BLOCK_FREED. The serial is the low word of the number of allocations made, this one included. */
#define HL_BLOCK_SIZE 12
#define HL_BLOCK_OWNER 0
#define HL_BLOCK_REQUESTED 4
#define HL_BLOCK_SERIAL 8
/* Bit of HL_BLOCK_OWNER: the block is free. The other two words then hold the free list and where the block
 * was freed, packed (free.c). */
#define HL_BLOCK_FREED 1
#define HL_BLOCK_OWNER_MASK 0xffffffe0
#define HL_BLOCK_BUD 16
/* Bits of HL_BLOCK_OWNER of a block in use: its class as of the last scan, a HL_BLOCK_CLASS_* (scan.c). Other
 * low bits mean something during a scan only. */
#define HL_BLOCK_CLASS_SHIFT 1
#define HL_BLOCK_CLASS_MASK 0x06
#define HL_BLOCK_CLASS_DEFINITE 0
#define HL_BLOCK_CLASS_INDIRECT 1
#define HL_BLOCK_CLASS_POSSIBLE 2
#define HL_BLOCK_CLASS_REACHABLE 3

/* Fault records (the contexts in them are nodes): a ring of HL_FAULT_RING_LENGTH at HL_RUNTIME_FAULT_RING;
 * HL_RUNTIME_FAULTS counts all ever. */
#define HL_FAULT_RING_LENGTH 64
#define HL_FAULT_SIZE 32
#define HL_FAULT_KIND 0
#define HL_FAULT_ADDRESS 4
#define HL_FAULT_CONTEXT 8
#define HL_FAULT_ALLOC_CONTEXT 12
#define HL_FAULT_FREE_CONTEXT 16
#define HL_FAULT_BLOCK 20
#define HL_FAULT_BLOCK_SIZE 24
#define HL_FAULT_DOUBLE_FREE 1
#define HL_FAULT_INTERIOR_FREE 2
#define HL_FAULT_FOREIGN_FREE 3
#define HL_FAULT_UNALLOCATED_FREE 4
#define HL_FAULT_REALLOC_FREED 5
#define HL_FAULT_REALLOC_FOREIGN 6
/* No fault of the program's: an allocation failed for want of memory. Not in the ring, and counted in HL_RUNTIME_FAILED.
 * Of the size that was asked for HL_FAULT_BLOCK_SIZE has the low word, HL_FAULT_BLOCK the high one (of calloc's product). */
#define HL_FAULT_NO_MEMORY 7

/* What heapline_check() looks at, as bits; without any the runtime block alone. */
/* Whether the contexts add up to the totals. Part of the checks below. */
#define HL_CHECK_SUMS 1
/* The links of the context tree. */
#define HL_CHECK_TREE 2
/* Spans, the page map, free pages, the metadata of blocks, and whether blocks and contexts agree. */
#define HL_CHECK_HEAP 4
/* Tests only, slow: whether what is said to be zero is. */
#define HL_CHECK_ZEROS 8

#endif
