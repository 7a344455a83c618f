// Generated from csrc/layout.h by scripts/generate-interface.ts: do not edit.
// Offsets and sizes are in bytes, all fields are little-endian, an address is a 32-bit offset into linear memory.

/** The first word of the runtime block. */
export const MAGIC = 0x50414548;
/** The second word of the runtime block. It changes whenever something in this file changes its meaning. */
export const ABI_VERSION = 9;
/**
 * The shadow stack is an array of slots { site: u32, node: u32 } in the data symbol `heapline_shadow`. Slot 0
 * is the sentinel: its node is the root. `top` is the address of the innermost written slot. A function that
 * is entered uses the slot after it, or the last slot when there is none; its callers are truncated then
 * (SITE_TRUNCATED).
 */
export const SHADOW_SLOTS = 10240;
export const SLOT_SIZE = 8;
export const SLOT_SITE = 0;
export const SLOT_NODE = 4;
/**
 * A site without this flag is the offset of a call opcode from the start of the ORIGINAL module's code
 * section payload. With it, the low 31 bits are the id of an interned JavaScript stack; id 0 means that the
 * stack was not captured.
 */
export const SITE_HOST_FLAG = 0x80000000;
/** In slots only: a host entry whose JavaScript stack was not asked for yet. */
export const SITE_HOST_PENDING = 0xffffffff;
/** In nodes only: stands for the frames that did not fit in the shadow stack. */
export const SITE_TRUNCATED = 0xfffffffe;
/** In buds only, with SITE_HOST_FLAG clear: tells a bud from a node. */
export const SITE_BUD = 0x40000000;
/** The runtime block is at the start of the data symbol `heapline_runtime`. Its fields: */
export const RUNTIME_MAGIC = 0;
export const RUNTIME_VERSION = 4;
export const RUNTIME_TOP = 8;
export const RUNTIME_FLAGS = 12;
export const RUNTIME_ROOT_NODE = 16;
export const RUNTIME_FIRST_CHUNK = 20;
export const RUNTIME_CONTEXTS = 24;
export const RUNTIME_PEAK_EPOCH = 28;
export const RUNTIME_ALLOC_OBJECTS = 32;
export const RUNTIME_ALLOC_BYTES = 40;
/** Low words of the totals of freed blocks: what is in use is allocated minus freed, modulo 2^32. */
export const RUNTIME_FREED_OBJECTS = 48;
export const RUNTIME_FREED_BYTES = 52;
export const RUNTIME_PEAK_OBJECTS = 56;
export const RUNTIME_PEAK_BYTES = 60;
export const RUNTIME_FAULTS = 64;
export const RUNTIME_FAULT_RING = 68;
export const RUNTIME_FIRST_BUD_CHUNK = 72;
/** Serial of the newest block: it is the low word of RUNTIME_ALLOC_OBJECTS. */
export const RUNTIME_SERIAL = 32;
export const RUNTIME_FIRST_SPAN_CHUNK = 76;
export const RUNTIME_SPANS = 80;
export const RUNTIME_METADATA_BYTES = 84;
export const RUNTIME_HEAP_BYTES = 88;
export const RUNTIME_FAILED = 92;
/** Where memory that nothing is linked to begins. */
export const RUNTIME_HEAP_BASE = 96;
/** Chunks of cells, or 0. */
export const RUNTIME_FIRST_CELL_CHUNK = 100;
/** Blocks that leak reports leave out: their address, and how many there are. */
export const RUNTIME_IGNORED = 104;
export const RUNTIME_IGNORED_COUNT = 108;
/** Call the import heapline.trace after every allocation. Only objects with the hooks of tests obey it. */
export const FLAG_TRACE = 1;
/** Ask the host for its stack at the first allocation below a host entry. */
export const FLAG_HOST_FRAMES = 2;
/** Remember where each block was freed, for the third stack of a double free. */
export const FLAG_FREE_CONTEXTS = 4;
/**
 * A context is a node of the calling-context tree. Its address is its id. The parent links lead to the root,
 * whose parent is 0. Most nodes only lie on the way to others: the counters of a node are in its account,
 * which exists from the node's first allocation on. NODE_LINK is the account's address plus
 * NODE_LINK_ACCOUNT. Without that bit there is no account, and the word is for context.c alone.
 */
export const NODE_SIZE = 16;
export const NODE_PARENT = 0;
export const NODE_SITE = 4;
export const NODE_LINK = 8;
export const NODE_NEXT_SIBLING = 12;
export const NODE_LINK_ACCOUNT = 1;
/**
 * A context that has allocated at most once may be a bud: one entry for up to BUD_SITES sites at the end of
 * its path. The sites before the last one have no node of their own yet. A bud starts like a node: parent;
 * the path's first site | SITE_BUD; BUD_* flags and, from BUD_EPOCH_SHIFT on, the epoch of the peak; next
 * sibling. When its path comes again, the bud becomes a node with an account at the same address: its site
 * loses SITE_BUD, and its second half means nothing any more. Sites have BUD_SITE_BITS bits. Above them,
 * BUD_THIRD has the number of sites, and BUD_SECOND the high bits of BUD_CLOCK. That is the clock when the
 * block was allocated or, with BUD_FREED, how much the clock moved until the block was freed.
 */
export const BUD_SIZE = 32;
export const BUD_BYTES = 16;
export const BUD_CLOCK = 20;
export const BUD_SECOND = 24;
export const BUD_THIRD = 28;
export const BUD_SITES = 3;
export const BUD_SITE_BITS = 24;
/**
 * The bud has allocated its block. It has not while the block is being allocated, or when there was no memory
 * for it.
 */
export const BUD_ALLOCATED = 4;
export const BUD_FREED = 8;
/** The block was freed before the next allocation of anybody. */
export const BUD_TEMPORARY = 16;
/**
 * With the epoch of RUNTIME_PEAK_EPOCH: the block is part of the peak. With another epoch the block is part
 * of the peak when it is in use.
 */
export const BUD_PEAK = 32;
export const BUD_EPOCH_SHIFT = 8;
/**
 * The account of a context. Live objects and bytes are allocated minus freed, modulo 2^32: the counters of
 * what was freed are the low words of sums that nothing else needs.
 */
export const ACCOUNT_SIZE = 64;
export const ACCOUNT_FREED_OBJECTS = 0;
export const ACCOUNT_FREED_BYTES = 4;
export const ACCOUNT_ALLOC_OBJECTS = 8;
export const ACCOUNT_ALLOC_BYTES = 16;
export const ACCOUNT_NODE = 24;
/**
 * When it equals RUNTIME_PEAK_EPOCH, the context's share of the peak is ACCOUNT_PEAK_OBJECTS and
 * ACCOUNT_PEAK_BYTES. Otherwise the share is what the context holds now, because it has not changed since the
 * peak.
 */
export const ACCOUNT_PEAK_EPOCH = 28;
export const ACCOUNT_PEAK_OBJECTS = 32;
export const ACCOUNT_PEAK_BYTES = 36;
/**
 * Blocks freed before the next allocation of anybody: the low word of their number. The rest of it is in
 * ACCOUNT_TEMPORARY_BYTES, in the bits from TEMPORARY_BYTES_BITS on.
 */
export const ACCOUNT_TEMPORARY_OBJECTS = 40;
export const ACCOUNT_CHILDREN = 44;
export const ACCOUNT_TEMPORARY_BYTES = 48;
export const TEMPORARY_BYTES_BITS = 52;
/**
 * A wrapping i64: the sum of the clock at each free minus the clock at each allocation. Add live objects
 * times the clock now to get the summed age of all blocks so far. The clock is RUNTIME_ALLOC_BYTES; at an
 * allocation it includes the block's own bytes.
 */
export const ACCOUNT_LIFETIME = 56;
/**
 * Nodes, buds and spans come in chunks { next chunk or 0: u32, entries used: u32, room for entries: u32 }.
 * The entries start at CHUNK_ENTRIES.
 */
export const CHUNK_NEXT = 0;
export const CHUNK_USED = 4;
export const CHUNK_CAPACITY = 8;
export const CHUNK_ENTRIES = 64;
/** A span is a run of heap pages that is cut into blocks of one size. */
export const SPAN_SIZE = 64;
export const SPAN_BASE = 0;
export const SPAN_BLOCK_SIZE = 4;
export const SPAN_BLOCKS = 8;
export const SPAN_METADATA = 12;
export const SPAN_STATE = 16;
export const SPAN_PAGES = 20;
/** Bytes of a heap page. */
export const SPAN_PAGE = 4096;
export const SPAN_STATE_FREE = 0;
export const SPAN_STATE_SMALL = 1;
export const SPAN_STATE_LARGE = 2;
/**
 * The metadata of a block, which lies apart from it: { owner | BLOCK_* bits, requested size, serial }. The
 * owner is the address of an account or, with BLOCK_BUD, of an entry that was a bud when the block was
 * allocated. A block that was never handed out has owner 0 and BLOCK_FREED. The serial is the low word of the
 * number of allocations made, this one included.
 */
export const BLOCK_SIZE = 12;
export const BLOCK_OWNER = 0;
export const BLOCK_REQUESTED = 4;
export const BLOCK_SERIAL = 8;
/**
 * Bit of BLOCK_OWNER: the block is free. The other two words then hold the free list and the place where the
 * block was freed (free.c).
 */
export const BLOCK_FREED = 1;
export const BLOCK_OWNER_MASK = 0xffffffe0;
export const BLOCK_BUD = 16;
/**
 * Bits of BLOCK_OWNER of a block in use: its class (BLOCK_CLASS_*) as of the last scan (scan.c). The other
 * low bits mean something during a scan only.
 */
export const BLOCK_CLASS_SHIFT = 1;
export const BLOCK_CLASS_MASK = 0x06;
export const BLOCK_CLASS_DEFINITE = 0;
export const BLOCK_CLASS_INDIRECT = 1;
export const BLOCK_CLASS_POSSIBLE = 2;
export const BLOCK_CLASS_REACHABLE = 3;
/**
 * A cell is what an allocator of the program's own hands out: its address, block metadata like that of a
 * block, the address of the block that it lies in (0 when it lies in none), and how many bytes of that block
 * count as the cell's and not as the block's. Chunks have unused entries and freed cells, too; both have
 * BLOCK_FREED.
 */
export const CELL_SIZE = 52;
export const CELL_ADDRESS = 0;
export const CELL_BLOCK = 8;
export const CELL_INSIDE = 20;
export const CELL_HELD = 24;
/** A block that leak reports leave out, as long as its serial is this one. */
export const IGNORED_SIZE = 8;
export const IGNORED_ADDRESS = 0;
export const IGNORED_SERIAL = 4;
/**
 * Fault records are in a ring of this length at RUNTIME_FAULT_RING. RUNTIME_FAULTS counts all faults ever.
 * The contexts in a record are nodes.
 */
export const FAULT_RING_LENGTH = 64;
export const FAULT_SIZE = 64;
export const FAULT_KIND = 0;
export const FAULT_ADDRESS = 4;
export const FAULT_CONTEXT = 8;
export const FAULT_ALLOC_CONTEXT = 12;
export const FAULT_FREE_CONTEXT = 16;
export const FAULT_BLOCK = 20;
export const FAULT_BLOCK_SIZE = 24;
/**
 * Of a wrong access: the first byte that it must not touch, how many bytes it touches, whether it writes
 * them, and the offset of its instruction, which counts like that of a site.
 */
export const FAULT_BAD = 28;
export const FAULT_ACCESS_SIZE = 32;
export const FAULT_ACCESS_WRITES = 36;
export const FAULT_ACCESS_SITE = 40;
/**
 * Of a wrong access beside a variable, which is in FAULT_BLOCK: where its name is, how long that is, and the
 * index of its function in the table of functions. They are 0 when they are not known. The name of a stack
 * variable may end with a colon and its line.
 */
export const FAULT_VARIABLE_NAME = 44;
export const FAULT_VARIABLE_NAME_LENGTH = 48;
export const FAULT_VARIABLE_FUNCTION = 52;
/** Of a block that is freed in another way than the one in which it was allocated: the two ways. */
export const FAULT_ALLOCATED_BY = 56;
export const FAULT_FREED_BY = 60;
export const FAULT_DOUBLE_FREE = 1;
export const FAULT_INTERIOR_FREE = 2;
export const FAULT_FOREIGN_FREE = 3;
export const FAULT_UNALLOCATED_FREE = 4;
export const FAULT_REALLOC_FREED = 5;
export const FAULT_REALLOC_FOREIGN = 6;
/**
 * An allocation failed because there was no memory, which is no fault of the program. It is not in the ring
 * and is counted in RUNTIME_FAILED. FAULT_BLOCK_SIZE has the low word of the size that was asked for, and
 * FAULT_BLOCK the high word, which calloc's product may have.
 */
export const FAULT_NO_MEMORY = 7;
/**
 * Not in the ring either: the program asks for a leak check. REQUEST_CODE has the request, and the host
 * writes bytes and blocks of each kind. Lost are the blocks that are lost definitely or indirectly.
 */
export const FAULT_LEAK_CHECK = 14;
export const REQUEST_CODE = 4;
export const LEAK_CHECK_LOST = 8;
export const LEAK_CHECK_POSSIBLE = 16;
export const LEAK_CHECK_REACHABLE = 24;
export const LEAK_CHECK_SUPPRESSED = 32;
/** Not 0 when the program wants the counts alone. */
export const LEAK_CHECK_QUIET = 40;
/**
 * Not in the ring either: a request with the code REQUEST_CODE was ignored, because nobody knows it or
 * because of its argument, which is in FAULT_CONTEXT.
 */
export const FAULT_REQUEST_IGNORED = 15;
/**
 * Wrong accesses (access.c): beside a block, in a freed block, near address 0, and in heap memory without a
 * block.
 */
export const FAULT_OVERFLOW = 8;
export const FAULT_USE_AFTER_FREE = 9;
export const FAULT_NULL_ACCESS = 10;
export const FAULT_WILD_ACCESS = 11;
/** An access to memory that the program has closed itself. */
export const FAULT_USE_AFTER_POISON = 12;
/** A client request names a pool that does not exist. */
export const FAULT_UNKNOWN_POOL = 13;
/**
 * No fault: the program is about to allocate, and the host wants to know (heapline_count_attempts). It is not
 * in the ring either, and FAULT_BLOCK_SIZE has the size.
 */
export const FAULT_ATTEMPT = 16;
/**
 * Wrong accesses beside variables on the stack: behind or between variables, before the first one, and beside
 * memory of alloca.
 */
export const FAULT_STACK_OVERFLOW = 17;
export const FAULT_STACK_UNDERFLOW = 18;
export const FAULT_DYNAMIC_STACK_OVERFLOW = 19;
/** An access to a variable whose block has ended. */
export const FAULT_USE_AFTER_SCOPE = 20;
/** An access beside a global variable. */
export const FAULT_GLOBAL_OVERFLOW = 21;
/** A block is freed in another way than the one in which it was allocated (operators.c). */
export const FAULT_MISMATCH = 22;
/**
 * It seems so, or so of the next kind. The record is not in the ring. When the host finds that it is so, it
 * writes the kind over this one, and the two ways.
 */
export const FAULT_MISMATCH_SUSPECTED = 23;
/**
 * A block of C++ is deleted with another size than its own. FAULT_ACCESS_SIZE has that size, also of a
 * suspicion, where it is 0 otherwise.
 */
export const FAULT_SIZE_MISMATCH = 24;
/**
 * The ways in which C++ allocates and frees: malloc and free, new and delete, new[] and delete[]; realloc,
 * which frees; and one that is not known.
 */
export const WAY_MALLOC = 0;
export const WAY_NEW = 1;
export const WAY_NEW_ARRAY = 2;
export const WAY_REALLOC = 3;
export const WAY_UNKNOWN = 4;
/** The most functions that heapline_operator_add remembers. */
export const OPERATORS_MOST = 40;
/**
 * The shadow has a byte for each granule of memory. From 1 to 7 it says how many bytes of the granule, from
 * the first one on, the program may touch; 0 stands for all of them, and these values for none. They are
 * AddressSanitizer's.
 */
export const SHADOW_GRANULE = 8;
export const SHADOW_SHIFT = 3;
/** Heap memory beside blocks. */
export const SHADOW_REDZONE = 0xfa;
export const SHADOW_FREED = 0xfd;
/** Memory that the program has closed itself. */
export const SHADOW_POISONED = 0xf7;
/** Memory near address 0. */
export const SHADOW_NULL = 0xfe;
/**
 * Stack and global variables (variables.c): before the first variable of a frame, between two and behind the
 * last one, a variable whose block has ended, before and behind memory of alloca, and behind a global
 * variable.
 */
export const SHADOW_STACK_LEFT = 0xf1;
export const SHADOW_STACK_MIDDLE = 0xf2;
export const SHADOW_STACK_RIGHT = 0xf3;
export const SHADOW_SCOPE = 0xf8;
export const SHADOW_ALLOCA_LEFT = 0xca;
export const SHADOW_ALLOCA_RIGHT = 0xcb;
export const SHADOW_GLOBAL = 0xf9;
/** Closes both sides of memory that alloca has given: address, size. */
export const VARIABLES_ALLOCA = 256;
/** Opens memory of alloca: from, to. */
export const VARIABLES_ALLOCA_ENDS = 257;
/** Closes a variable whose block has ended, and opens one whose block has begun: address, size. */
export const VARIABLES_CLOSE = 258;
export const VARIABLES_OPEN = 259;
/** All frames may end without returning. */
export const VARIABLES_MAY_END = 260;
/** The host has cut off the frames below the stack pointer, which is the first number. */
export const VARIABLES_HAVE_ENDED = 261;
/**
 * Code that writes the shadow of its frames begins to run. It finds the shadow in the word at the address
 * that is the first number.
 */
export const VARIABLES_BEGIN = 262;
/**
 * Addresses below this one are near 0, unless they are static data or in the part of the stack that is in
 * use.
 */
export const NULL_END = 4096;
/**
 * In a module that keeps its own allocator, heapline_recorded() returns the address of a structure with these
 * fields. Its entries, RECORDED_CAPACITY of them, are { address: u32, metadata of the block: BLOCK_* }. The
 * address of an entry that is not in use is 0.
 */
export const RECORDED_ENTRIES = 0;
export const RECORDED_CAPACITY = 4;
export const RECORDED_COUNT = 8;
/**
 * How many functions of the allocator are running, one called by the other. The host sets it to 0 when they
 * were cut off.
 */
export const RECORDED_ACTIVE = 12;
/**
 * Blocks that were freed without having been allocated, or that were allocated where another one still was:
 * the allocator has done something that nobody saw.
 */
export const RECORDED_UNSEEN = 16;
/** Allocations for whose record there was no memory. */
export const RECORDED_LOST = 20;
/** 1 when there was no memory for the last leak scan. */
export const RECORDED_UNSCANNED = 24;
export const RECORD_SIZE = 16;
export const RECORD_ADDRESS = 0;
export const RECORD_BLOCK = 4;
/** Whether the contexts add up to the totals. It is part of the checks below. */
export const CHECK_SUMS = 1;
/** The links of the context tree. */
export const CHECK_TREE = 2;
/** Spans, the page map, free pages, the metadata of blocks, and whether blocks and contexts agree. */
export const CHECK_HEAP = 4;
/** Whether memory that is said to be zero is. It is slow, and the host does not ask for it. */
export const CHECK_ZEROS = 8;
