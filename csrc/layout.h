/* layout.h -- the one source of the memory layout that C and TypeScript share.
 *
 * scripts/generate-interface.ts turns this file into src/runtime/layout.ts. So every constant is an integer literal
 * (decimal or hexadecimal) on one line, and the comment directly before a constant goes with it. The C side asserts
 * each offset against its structs (types.h), and a test asserts that the generated file is current. All offsets and
 * sizes are in bytes, all fields are little-endian, and an "address" is a 32-bit offset into linear memory.
 */
#ifndef HEAPLINE_LAYOUT_H
#define HEAPLINE_LAYOUT_H

/* The first word of the runtime block. */
#define HL_MAGIC 0x50414548
/* The second word of the runtime block. It changes whenever something in this file changes its meaning. */
#define HL_ABI_VERSION 9

/* The shadow stack is an array of slots { site: u32, node: u32 } in the data symbol `heapline_shadow`. Slot 0 is the
 * sentinel: its node is the root. `top` is the address of the innermost written slot. A function that is entered uses
 * the slot after it, or the last slot when there is none; its callers are truncated then (HL_SITE_TRUNCATED). */
#define HL_SHADOW_SLOTS 10240
#define HL_SLOT_SIZE 8
#define HL_SLOT_SITE 0
#define HL_SLOT_NODE 4

/* A site without this flag is the offset of a call opcode from the start of the ORIGINAL module's code section
 * payload. With it, the low 31 bits are the id of an interned JavaScript stack; id 0 means that the stack was not
 * captured. */
#define HL_SITE_HOST_FLAG 0x80000000
/* In slots only: a host entry whose JavaScript stack was not asked for yet. */
#define HL_SITE_HOST_PENDING 0xffffffff
/* In nodes only: stands for the frames that did not fit in the shadow stack. */
#define HL_SITE_TRUNCATED 0xfffffffe
/* In buds only, with HL_SITE_HOST_FLAG clear: tells a bud from a node. */
#define HL_SITE_BUD 0x40000000

/* The runtime block is at the start of the data symbol `heapline_runtime`. Its fields: */
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
/* Low words of the totals of freed blocks: what is in use is allocated minus freed, modulo 2^32. */
#define HL_RUNTIME_FREED_OBJECTS 48
#define HL_RUNTIME_FREED_BYTES 52
#define HL_RUNTIME_PEAK_OBJECTS 56
#define HL_RUNTIME_PEAK_BYTES 60
#define HL_RUNTIME_FAULTS 64
#define HL_RUNTIME_FAULT_RING 68
#define HL_RUNTIME_FIRST_BUD_CHUNK 72
/* Serial of the newest block: it is the low word of HL_RUNTIME_ALLOC_OBJECTS. */
#define HL_RUNTIME_SERIAL 32
#define HL_RUNTIME_FIRST_SPAN_CHUNK 76
#define HL_RUNTIME_SPANS 80
#define HL_RUNTIME_METADATA_BYTES 84
#define HL_RUNTIME_HEAP_BYTES 88
#define HL_RUNTIME_FAILED 92
/* Where memory that nothing is linked to begins. */
#define HL_RUNTIME_HEAP_BASE 96
/* Chunks of cells, or 0. */
#define HL_RUNTIME_FIRST_CELL_CHUNK 100
/* Blocks that leak reports leave out: their address, and how many there are. */
#define HL_RUNTIME_IGNORED 104
#define HL_RUNTIME_IGNORED_COUNT 108

/* Flags of HL_RUNTIME_FLAGS, which the host sets through heapline_set_flags. */

/* Call the import heapline.trace after every allocation. Only objects with the hooks of tests obey it. */
#define HL_FLAG_TRACE 1
/* Ask the host for its stack at the first allocation below a host entry. */
#define HL_FLAG_HOST_FRAMES 2
/* Remember where each block was freed, for the third stack of a double free. */
#define HL_FLAG_FREE_CONTEXTS 4

/* A context is a node of the calling-context tree. Its address is its id. The parent links lead to the root, whose
 * parent is 0. Most nodes only lie on the way to others: the counters of a node are in its account, which exists from
 * the node's first allocation on. HL_NODE_LINK is the account's address plus HL_NODE_LINK_ACCOUNT. Without that bit
 * there is no account, and the word is for context.c alone. */
#define HL_NODE_SIZE 16
#define HL_NODE_PARENT 0
#define HL_NODE_SITE 4
#define HL_NODE_LINK 8
#define HL_NODE_NEXT_SIBLING 12
#define HL_NODE_LINK_ACCOUNT 1

/* A context that has allocated at most once may be a bud: one entry for up to HL_BUD_SITES sites at the end of its
 * path. The sites before the last one have no node of their own yet. A bud starts like a node: parent; the path's
 * first site | HL_SITE_BUD; HL_BUD_* flags and, from HL_BUD_EPOCH_SHIFT on, the epoch of the peak; next sibling. When
 * its path comes again, the bud becomes a node with an account at the same address: its site loses HL_SITE_BUD, and
 * its second half means nothing any more. Sites have HL_BUD_SITE_BITS bits. Above them, HL_BUD_THIRD has the number
 * of sites, and HL_BUD_SECOND the high bits of HL_BUD_CLOCK. That is the clock when the block was allocated or, with
 * HL_BUD_FREED, how much the clock moved until the block was freed. */
#define HL_BUD_SIZE 32
#define HL_BUD_BYTES 16
#define HL_BUD_CLOCK 20
#define HL_BUD_SECOND 24
#define HL_BUD_THIRD 28
#define HL_BUD_SITES 3
#define HL_BUD_SITE_BITS 24
/* The bud has allocated its block. It has not while the block is being allocated, or when there was no memory for it.
 * */
#define HL_BUD_ALLOCATED 4
#define HL_BUD_FREED 8
/* The block was freed before the next allocation of anybody. */
#define HL_BUD_TEMPORARY 16
/* With the epoch of HL_RUNTIME_PEAK_EPOCH: the block is part of the peak. With another epoch the block is part of the
 * peak when it is in use. */
#define HL_BUD_PEAK 32
#define HL_BUD_EPOCH_SHIFT 8

/* The account of a context. Live objects and bytes are allocated minus freed, modulo 2^32: the counters of what was
 * freed are the low words of sums that nothing else needs. */
#define HL_ACCOUNT_SIZE 64
#define HL_ACCOUNT_FREED_OBJECTS 0
#define HL_ACCOUNT_FREED_BYTES 4
#define HL_ACCOUNT_ALLOC_OBJECTS 8
#define HL_ACCOUNT_ALLOC_BYTES 16
#define HL_ACCOUNT_NODE 24
/* When it equals HL_RUNTIME_PEAK_EPOCH, the context's share of the peak is HL_ACCOUNT_PEAK_OBJECTS and
 * HL_ACCOUNT_PEAK_BYTES. Otherwise the share is what the context holds now, because it has not changed since the
 * peak. */
#define HL_ACCOUNT_PEAK_EPOCH 28
#define HL_ACCOUNT_PEAK_OBJECTS 32
#define HL_ACCOUNT_PEAK_BYTES 36
/* Blocks freed before the next allocation of anybody: the low word of their number. The rest of it is in
 * HL_ACCOUNT_TEMPORARY_BYTES, in the bits from HL_TEMPORARY_BYTES_BITS on. */
#define HL_ACCOUNT_TEMPORARY_OBJECTS 40
#define HL_ACCOUNT_CHILDREN 44
#define HL_ACCOUNT_TEMPORARY_BYTES 48
#define HL_TEMPORARY_BYTES_BITS 52
/* A wrapping i64: the sum of the clock at each free minus the clock at each allocation. Add live objects times the
 * clock now to get the summed age of all blocks so far. The clock is HL_RUNTIME_ALLOC_BYTES; at an allocation it
 * includes the block's own bytes. */
#define HL_ACCOUNT_LIFETIME 56

/* Nodes, buds and spans come in chunks { next chunk or 0: u32, entries used: u32, room for entries: u32 }. The
 * entries start at HL_CHUNK_ENTRIES. */
#define HL_CHUNK_NEXT 0
#define HL_CHUNK_USED 4
#define HL_CHUNK_CAPACITY 8
#define HL_CHUNK_ENTRIES 64

/* A span is a run of heap pages that is cut into blocks of one size. */
#define HL_SPAN_SIZE 64
#define HL_SPAN_BASE 0
#define HL_SPAN_BLOCK_SIZE 4
#define HL_SPAN_BLOCKS 8
#define HL_SPAN_METADATA 12
#define HL_SPAN_STATE 16
#define HL_SPAN_PAGES 20
/* Bytes of a heap page. */
#define HL_SPAN_PAGE 4096
#define HL_SPAN_STATE_FREE 0
#define HL_SPAN_STATE_SMALL 1
#define HL_SPAN_STATE_LARGE 2

/* The metadata of a block, which lies apart from it: { owner | HL_BLOCK_* bits, requested size, serial }. The owner
 * is the address of an account or, with HL_BLOCK_BUD, of an entry that was a bud when the block was allocated. A
 * block that was never handed out has owner 0 and HL_BLOCK_FREED. The serial is the low word of the number of
 * allocations made, this one included. */
#define HL_BLOCK_SIZE 12
#define HL_BLOCK_OWNER 0
#define HL_BLOCK_REQUESTED 4
#define HL_BLOCK_SERIAL 8
/* Bit of HL_BLOCK_OWNER: the block is free. The other two words then hold the free list and the place where the block
 * was freed (free.c). */
#define HL_BLOCK_FREED 1
#define HL_BLOCK_OWNER_MASK 0xffffffe0
#define HL_BLOCK_BUD 16
/* Bits of HL_BLOCK_OWNER of a block in use: its class (HL_BLOCK_CLASS_*) as of the last scan (scan.c). The other low
 * bits mean something during a scan only. */
#define HL_BLOCK_CLASS_SHIFT 1
#define HL_BLOCK_CLASS_MASK 0x06
#define HL_BLOCK_CLASS_DEFINITE 0
#define HL_BLOCK_CLASS_INDIRECT 1
#define HL_BLOCK_CLASS_POSSIBLE 2
#define HL_BLOCK_CLASS_REACHABLE 3

/* A cell is what an allocator of the program's own hands out: its address, block metadata like that of a block, the
 * address of the block that it lies in (0 when it lies in none), and how many bytes of that block count as the cell's
 * and not as the block's. Chunks have unused entries and freed cells, too; both have HL_BLOCK_FREED. */
#define HL_CELL_SIZE 52
#define HL_CELL_ADDRESS 0
#define HL_CELL_BLOCK 8
#define HL_CELL_INSIDE 20
#define HL_CELL_HELD 24

/* A block that leak reports leave out, as long as its serial is this one. */
#define HL_IGNORED_SIZE 8
#define HL_IGNORED_ADDRESS 0
#define HL_IGNORED_SERIAL 4

/* Fault records are in a ring of this length at HL_RUNTIME_FAULT_RING. HL_RUNTIME_FAULTS counts all faults ever. The
 * contexts in a record are nodes. */
#define HL_FAULT_RING_LENGTH 64
#define HL_FAULT_SIZE 64
#define HL_FAULT_KIND 0
#define HL_FAULT_ADDRESS 4
#define HL_FAULT_CONTEXT 8
#define HL_FAULT_ALLOC_CONTEXT 12
#define HL_FAULT_FREE_CONTEXT 16
#define HL_FAULT_BLOCK 20
#define HL_FAULT_BLOCK_SIZE 24
/* Of a wrong access: the first byte that it must not touch, how many bytes it touches, whether it writes them, and the
 * offset of its instruction, which counts like that of a site. */
#define HL_FAULT_BAD 28
#define HL_FAULT_ACCESS_SIZE 32
#define HL_FAULT_ACCESS_WRITES 36
#define HL_FAULT_ACCESS_SITE 40
/* Of a wrong access beside a variable, which is in HL_FAULT_BLOCK: where its name is, how long that is, and the index of its
 * function in the table of functions. They are 0 when they are not known. The name of a stack variable may end with a colon
 * and its line. */
#define HL_FAULT_VARIABLE_NAME 44
#define HL_FAULT_VARIABLE_NAME_LENGTH 48
#define HL_FAULT_VARIABLE_FUNCTION 52
/* Of a block that is freed in another way than the one in which it was allocated: the two ways. */
#define HL_FAULT_ALLOCATED_BY 56
#define HL_FAULT_FREED_BY 60
#define HL_FAULT_DOUBLE_FREE 1
#define HL_FAULT_INTERIOR_FREE 2
#define HL_FAULT_FOREIGN_FREE 3
#define HL_FAULT_UNALLOCATED_FREE 4
#define HL_FAULT_REALLOC_FREED 5
#define HL_FAULT_REALLOC_FOREIGN 6
/* An allocation failed because there was no memory, which is no fault of the program. It is not in the ring and is
 * counted in HL_RUNTIME_FAILED. HL_FAULT_BLOCK_SIZE has the low word of the size that was asked for, and
 * HL_FAULT_BLOCK the high word, which calloc's product may have. */
#define HL_FAULT_NO_MEMORY 7

/* Not in the ring either: the program asks for a leak check. HL_REQUEST_CODE has the request, and the host writes
 * bytes and blocks of each kind. Lost are the blocks that are lost definitely or indirectly. */
#define HL_FAULT_LEAK_CHECK 14
#define HL_REQUEST_CODE 4
#define HL_LEAK_CHECK_LOST 8
#define HL_LEAK_CHECK_POSSIBLE 16
#define HL_LEAK_CHECK_REACHABLE 24
#define HL_LEAK_CHECK_SUPPRESSED 32
/* Not 0 when the program wants the counts alone. */
#define HL_LEAK_CHECK_QUIET 40
/* Not in the ring either: a request with the code HL_REQUEST_CODE was ignored, because nobody knows it or because of its
 * argument, which is in HL_FAULT_CONTEXT. */
#define HL_FAULT_REQUEST_IGNORED 15

/* Wrong accesses (access.c): beside a block, in a freed block, near address 0, and in heap memory without a block. */
#define HL_FAULT_OVERFLOW 8
#define HL_FAULT_USE_AFTER_FREE 9
#define HL_FAULT_NULL_ACCESS 10
#define HL_FAULT_WILD_ACCESS 11
/* An access to memory that the program has closed itself. */
#define HL_FAULT_USE_AFTER_POISON 12
/* A client request names a pool that does not exist. */
#define HL_FAULT_UNKNOWN_POOL 13
/* No fault: the program is about to allocate, and the host wants to know (heapline_count_attempts). It is not in the ring
 * either, and HL_FAULT_BLOCK_SIZE has the size. */
#define HL_FAULT_ATTEMPT 16
/* Wrong accesses beside variables on the stack: behind or between variables, before the first one, and beside memory of
 * alloca. */
#define HL_FAULT_STACK_OVERFLOW 17
#define HL_FAULT_STACK_UNDERFLOW 18
#define HL_FAULT_DYNAMIC_STACK_OVERFLOW 19
/* An access to a variable whose block has ended. */
#define HL_FAULT_USE_AFTER_SCOPE 20
/* An access beside a global variable. */
#define HL_FAULT_GLOBAL_OVERFLOW 21
/* A block is freed in another way than the one in which it was allocated (operators.c). */
#define HL_FAULT_MISMATCH 22
/* It seems so, or so of the next kind. The record is not in the ring. When the host finds that it is so, it writes the kind
 * over this one, and the two ways. */
#define HL_FAULT_MISMATCH_SUSPECTED 23
/* A block of C++ is deleted with another size than its own. HL_FAULT_ACCESS_SIZE has that size, also of a suspicion, where it
 * is 0 otherwise. */
#define HL_FAULT_SIZE_MISMATCH 24

/* The ways in which C++ allocates and frees: malloc and free, new and delete, new[] and delete[]; realloc, which frees; and
 * one that is not known. */
#define HL_WAY_MALLOC 0
#define HL_WAY_NEW 1
#define HL_WAY_NEW_ARRAY 2
#define HL_WAY_REALLOC 3
#define HL_WAY_UNKNOWN 4
/* The most functions that heapline_operator_add remembers. */
#define HL_OPERATORS_MOST 40

/* The shadow has a byte for each granule of memory. From 1 to 7 it says how many bytes of the granule, from the first
 * one on, the program may touch; 0 stands for all of them, and these values for none. They are AddressSanitizer's. */
#define HL_SHADOW_GRANULE 8
#define HL_SHADOW_SHIFT 3
/* Heap memory beside blocks. */
#define HL_SHADOW_REDZONE 0xfa
#define HL_SHADOW_FREED 0xfd
/* Memory that the program has closed itself. */
#define HL_SHADOW_POISONED 0xf7
/* Memory near address 0. */
#define HL_SHADOW_NULL 0xfe
/* Stack and global variables (variables.c): before the first variable of a frame, between two and behind the last one, a
 * variable whose block has ended, before and behind memory of alloca, and behind a global variable. */
#define HL_SHADOW_STACK_LEFT 0xf1
#define HL_SHADOW_STACK_MIDDLE 0xf2
#define HL_SHADOW_STACK_RIGHT 0xf3
#define HL_SHADOW_SCOPE 0xf8
#define HL_SHADOW_ALLOCA_LEFT 0xca
#define HL_SHADOW_ALLOCA_RIGHT 0xcb
#define HL_SHADOW_GLOBAL 0xf9
/* What heapline_variables does. Values below 256 are those of the shadow: it sets as many bytes of it as the second number
 * says, from the address of the shadow on that is the first one. */
/* Closes both sides of memory that alloca has given: address, size. */
#define HL_VARIABLES_ALLOCA 256
/* Opens memory of alloca: from, to. */
#define HL_VARIABLES_ALLOCA_ENDS 257
/* Closes a variable whose block has ended, and opens one whose block has begun: address, size. */
#define HL_VARIABLES_CLOSE 258
#define HL_VARIABLES_OPEN 259
/* All frames may end without returning. */
#define HL_VARIABLES_MAY_END 260
/* The host has cut off the frames below the stack pointer, which is the first number. */
#define HL_VARIABLES_HAVE_ENDED 261
/* Code that writes the shadow of its frames begins to run. It finds the shadow in the word at the address that is the first
 * number. */
#define HL_VARIABLES_BEGIN 262
/* Addresses below this one are near 0, unless they are static data or in the part of the stack that is in use. */
#define HL_NULL_END 4096

/* In a module that keeps its own allocator, heapline_recorded() returns the address of a structure with these fields. Its
 * entries, HL_RECORDED_CAPACITY of them, are { address: u32, metadata of the block: HL_BLOCK_* }. The address of an entry
 * that is not in use is 0. */
#define HL_RECORDED_ENTRIES 0
#define HL_RECORDED_CAPACITY 4
#define HL_RECORDED_COUNT 8
/* How many functions of the allocator are running, one called by the other. The host sets it to 0 when they were cut
 * off. */
#define HL_RECORDED_ACTIVE 12
/* Blocks that were freed without having been allocated, or that were allocated where another one still was: the
 * allocator has done something that nobody saw. */
#define HL_RECORDED_UNSEEN 16
/* Allocations for whose record there was no memory. */
#define HL_RECORDED_LOST 20
/* 1 when there was no memory for the last leak scan. */
#define HL_RECORDED_UNSCANNED 24
#define HL_RECORD_SIZE 16
#define HL_RECORD_ADDRESS 0
#define HL_RECORD_BLOCK 4

/* Bits that say what heapline_check() looks at. Without any, it looks at the runtime block alone. */

/* Whether the contexts add up to the totals. It is part of the checks below. */
#define HL_CHECK_SUMS 1
/* The links of the context tree. */
#define HL_CHECK_TREE 2
/* Spans, the page map, free pages, the metadata of blocks, and whether blocks and contexts agree. */
#define HL_CHECK_HEAP 4
/* Whether memory that is said to be zero is. It is slow, and the host does not ask for it. */
#define HL_CHECK_ZEROS 8

#endif
