/* types.h -- the data structures of the runtime, checked against layout.h.
 *
 * Glossary (used in every file here):
 *   page      4 KB, the unit of the page heap. A wasm page is 64 KB and only the platform knows of it.
 *   span      a run of pages cut into blocks of one size (small), or holding one block (large).
 *   run       free pages, described by a span struct whose state is HL_SPAN_STATE_FREE and kind HL_KIND_RUN.
 *   ghost     the span struct of a freed large block whose pages were merged into a neighbouring run: it remembers who
 *             allocated and who freed the block, until its first page is used again.
 *   block     what malloc returns. Its metadata (hl_block) lies apart from it.
 *   node      a calling context; its address is its id.
 *   account   the counters of a node: what it allocated, freed and held.
 *   bud       a context that has allocated only once: one entry has the end of its path and what an account would say of
 *             that one block (buds.c).
 *   slot      one frame of the shadow stack.
 *   cell      what an allocator of the program's own hands out, as the program says in client requests (cells.c).
 *   holder    the block that cells lie in; its address is 0 for memory that is in no block.
 */
#ifndef HEAPLINE_TYPES_H
#define HEAPLINE_TYPES_H

#include "layout.h"

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

/* How an object is built (scripts/build-runtime.mjs): the level of assertions (debug.h), and whether it has the hooks
 * of tests. Those that are shipped have neither. */
#ifndef HL_DEBUG
#define HL_DEBUG 0
#endif
#ifndef HL_TEST_HOOKS
#define HL_TEST_HOOKS 0
#endif

#define HL_INLINE static inline __attribute__((always_inline))
#define HL_COLD static __attribute__((noinline, cold))
#define HL_SLOW static __attribute__((noinline))
#define HL_LIKELY(x) __builtin_expect(!!(x), 1)
#define HL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HL_ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define HL_PAGE_SHIFT 12u
#define HL_PAGE (1u << HL_PAGE_SHIFT)
#define HL_WASM_PAGE 65536u
#define HL_ALIGNMENT 16u
/* Metadata comes in multiples of this, and keeps this distance from the program's blocks. */
#define HL_GRAIN 64u

/* The largest request that a size class serves. A larger block is a span of its own. */
#define HL_SMALL_MAX 8192u
/* No object is larger than PTRDIFF_MAX, because C17 6.5.6 p9 makes larger ones unusable. */
#define HL_SIZE_MAX 0x7fff0000u

typedef struct hl_account hl_account;

typedef struct hl_node hl_node;
struct hl_node {
  hl_node *parent;
  u32 site;
  u32 link; /* account | HL_NODE_LINK_ACCOUNT, or its children: see context.c */
  hl_node *next_sibling; /* ring of the parent's children */
};

/* While an entry is a bud, node.site is the first site of its path | HL_SITE_BUD, and node.link is HL_BUD_* flags and
 * the epoch of the peak. `clock` is the clock at the allocation and, once the block was freed, the block's lifetime.
 * */
typedef struct hl_bud {
  hl_node node;
  u32 size; /* bytes */
  u32 clock; /* low word */
  u32 second; /* site, and above HL_BUD_SITE_BITS the high bits of the clock */
  u32 third; /* site, and above HL_BUD_SITE_BITS the number of sites */
} hl_bud;

struct hl_account {
  u32 freed_objects;
  u32 freed_bytes;
  u64 alloc_objects;
  u64 alloc_bytes;
  hl_node *node;
  u32 peak_epoch;
  u32 peak_objects;
  u32 peak_bytes;
  u32 temporary_objects; /* low word */
  u32 children; /* of its node, whose link leads here */
  u64 temporary_bytes; /* and above HL_TEMPORARY_BYTES_BITS the rest of temporary_objects */
  i64 lifetime;
};

typedef struct hl_slot {
  u32 site;
  hl_node *node;
} hl_slot;

typedef struct hl_block {
  u32 owner; /* address of the account, or of the bud, | HL_BLOCK_* */
  u32 requested; /* bytes */
  u32 serial;
} hl_block;

/* An entry of a table by address (keyed.c). Structures that are kept in such tables start like this. */
typedef struct hl_keyed {
  u32 address;
  struct hl_keyed *same_hash;
} hl_keyed;

typedef struct hl_table {
  hl_keyed **heads;
  u32 bits; /* log2 of the number of heads; 0 while there are none */
  u32 count;
} hl_table;

typedef struct hl_holder hl_holder;
typedef struct hl_pool hl_pool;

/* A freed cell has HL_BLOCK_FREED and the place where it was freed, as a freed block has, and in `held` its size. */
typedef struct hl_cell hl_cell;
struct hl_cell {
  hl_keyed key;
  hl_block block;
  u32 inside; /* address of the holder */
  u32 held; /* bytes of the holder that are counted here and not there */
  hl_holder *holder;
  hl_cell *next; /* list of the holder's cells, freed ones included */
  hl_cell *previous;
  hl_pool *pool; /* null when it is in none */
  hl_cell *pool_next;
  hl_cell *pool_previous;
};

struct hl_holder {
  hl_keyed key;
  hl_cell *first;
  u32 live; /* cells in use */
  u32 held; /* bytes that count as theirs */
};

/* A pool that the program has announced (pools.c). */
struct hl_pool {
  hl_keyed key;
  hl_cell *first;
  u32 redzone; /* bytes */
  u32 flags;
};

/* The site of hl_initialised.no_child, which stands for the children of a node that has none. It is no offset in any
 * code. */
#define HL_SITE_NONE 0x7fffffffu

/* The number of children that a node may have before they are hashed (context.c). */
#define HL_NARROW 8

/* Flag of a node's link without an account (context.c): the node's children are in the hash table. */
#define HL_WIDE 2u
#define HL_LINK_FLAGS 15u

/* An index that no block has. It is also one more than the number of blocks that a span may have. */
#define HL_NO_BLOCK 0xfffu
/* Takes the place of the index of the next free block while a freed block waits in the quarantine (quarantine.c). */
#define HL_QUARANTINED 0xffeu
/* From this bit on, hl_block.serial of a free block has the index of the next free one (free.c). */
#define HL_NEXT_FREE_SHIFT 20u

/* A value of hl_span.listed, in a large span: the block moved because it grew. */
#define HL_LISTED_GROWN 2u

enum { HL_KIND_UNUSED, HL_KIND_BLOCKS, HL_KIND_RUN, HL_KIND_GHOST };

typedef struct hl_span hl_span;
struct hl_span {
  u32 base;
  u32 block_size; /* bytes; for a large span the whole run */
  u32 blocks;
  hl_block *metadata; /* of a large span, run or ghost: &own */
  u32 state; /* HL_SPAN_STATE_* */
  u32 pages;
  u32 reciprocal; /* ceil(2^32 / block_size), 0 for large: index = offset * reciprocal >> 32 */
  u32 free; /* index of the first free block, or HL_NO_BLOCK */
  u32 used; /* blocks handed out */
  u8 class;
  u8 kind; /* HL_KIND_* */
  u8 zero; /* blocks never handed out (of a run: all bytes) are zero */
  u8 listed; /* in its class's queue of spans with free blocks; large spans always */
  hl_span *next;
  hl_span *previous;
  hl_block own; /* the one block of a large span */
  u32 start; /* of the pages, while the span holds blocks: below base when the metadata is in between */
};

typedef struct hl_chunk {
  struct hl_chunk *next;
  u32 used;
  u32 capacity;
  u32 unused[13];
} hl_chunk;

typedef struct hl_fault {
  u32 kind;
  u32 address;
  u32 context;
  u32 alloc_context;
  u32 free_context;
  u32 block;
  u32 block_size; /* requested bytes */
  u32 bad;
  u32 access_size;
  u32 access_writes;
  u32 access_site;
  u32 variable_name;
  u32 variable_name_length;
  u32 variable_function;
  u32 allocated_by, freed_by; /* HL_WAY_* */
} hl_fault;

/* A block that leak reports leave out (lsan.c). It is another block when the serial has changed. */
typedef struct hl_ignored {
  u32 address;
  u32 serial;
} hl_ignored;

/* Memory that the program has named as a root of the leak scan. */
typedef struct hl_region {
  u32 start, size;
} hl_region;

/* The record by which the program asks the host for a leak check. The host writes the counts. */
typedef struct hl_leak_check {
  u32 kind; /* HL_FAULT_LEAK_CHECK */
  u32 request;
  u32 lost_bytes, lost_blocks; /* definitely or indirectly */
  u32 possible_bytes, possible_blocks;
  u32 reachable_bytes, reachable_blocks;
  u32 suppressed_bytes, suppressed_blocks;
  u32 quiet; /* only the counts are wanted */
  u32 unused[5];
} hl_leak_check;

/* The runtime block, which the host reads. HL_RUNTIME_* are its offsets. */
typedef struct hl_runtime {
  u32 magic;
  u32 version;
  hl_slot *top;
  u32 flags;
  hl_node *root_node;
  hl_chunk *first_chunk;
  u32 contexts;
  u32 peak_epoch;
  u64 alloc_objects; /* its low word is the serial of the newest block */
  u64 alloc_bytes; /* the clock */
  u32 freed_objects;
  u32 freed_bytes;
  u32 peak_objects;
  u32 peak_bytes;
  u32 faults;
  hl_fault *fault_ring;
  hl_chunk *first_bud_chunk;
  hl_chunk *first_span_chunk;
  u32 spans; /* span structs ever made */
  u32 metadata_bytes;
  u32 heap_bytes; /* obtained from the system */
  u32 failed;
  u32 heap_base;
  hl_chunk *first_cell_chunk;
  struct hl_ignored *ignored;
  u32 ignored_count;
} hl_runtime;

#define HL_ASSERT_FIELD(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " is not where layout.h says")

_Static_assert(sizeof(void *) == 4, "wasm32 only");
_Static_assert(sizeof(hl_node) == HL_NODE_SIZE, "node size");
_Static_assert(sizeof(hl_bud) == HL_BUD_SIZE, "bud size");
_Static_assert(sizeof(hl_account) == HL_ACCOUNT_SIZE, "account size");
_Static_assert(sizeof(hl_slot) == HL_SLOT_SIZE, "slot size");
_Static_assert(sizeof(hl_block) == HL_BLOCK_SIZE, "block metadata size");
_Static_assert(sizeof(hl_span) == HL_SPAN_SIZE, "span size");
_Static_assert(sizeof(hl_chunk) == HL_CHUNK_ENTRIES, "chunk header size");
_Static_assert(sizeof(hl_fault) == HL_FAULT_SIZE, "fault size");
_Static_assert(sizeof(hl_cell) == HL_CELL_SIZE, "cell size");
_Static_assert(sizeof(hl_leak_check) == HL_FAULT_SIZE, "leak check size");
_Static_assert(sizeof(hl_ignored) == HL_IGNORED_SIZE, "size of an ignored block");
HL_ASSERT_FIELD(hl_slot, site, HL_SLOT_SITE);
HL_ASSERT_FIELD(hl_slot, node, HL_SLOT_NODE);
HL_ASSERT_FIELD(hl_node, parent, HL_NODE_PARENT);
HL_ASSERT_FIELD(hl_node, site, HL_NODE_SITE);
HL_ASSERT_FIELD(hl_node, link, HL_NODE_LINK);
HL_ASSERT_FIELD(hl_node, next_sibling, HL_NODE_NEXT_SIBLING);
HL_ASSERT_FIELD(hl_bud, size, HL_BUD_BYTES);
HL_ASSERT_FIELD(hl_bud, clock, HL_BUD_CLOCK);
HL_ASSERT_FIELD(hl_bud, second, HL_BUD_SECOND);
HL_ASSERT_FIELD(hl_bud, third, HL_BUD_THIRD);
HL_ASSERT_FIELD(hl_account, node, HL_ACCOUNT_NODE);
HL_ASSERT_FIELD(hl_account, freed_objects, HL_ACCOUNT_FREED_OBJECTS);
HL_ASSERT_FIELD(hl_account, alloc_objects, HL_ACCOUNT_ALLOC_OBJECTS);
HL_ASSERT_FIELD(hl_account, alloc_bytes, HL_ACCOUNT_ALLOC_BYTES);
HL_ASSERT_FIELD(hl_account, freed_bytes, HL_ACCOUNT_FREED_BYTES);
HL_ASSERT_FIELD(hl_account, peak_epoch, HL_ACCOUNT_PEAK_EPOCH);
HL_ASSERT_FIELD(hl_account, peak_objects, HL_ACCOUNT_PEAK_OBJECTS);
HL_ASSERT_FIELD(hl_account, peak_bytes, HL_ACCOUNT_PEAK_BYTES);
HL_ASSERT_FIELD(hl_account, temporary_objects, HL_ACCOUNT_TEMPORARY_OBJECTS);
HL_ASSERT_FIELD(hl_account, children, HL_ACCOUNT_CHILDREN);
HL_ASSERT_FIELD(hl_account, temporary_bytes, HL_ACCOUNT_TEMPORARY_BYTES);
HL_ASSERT_FIELD(hl_account, lifetime, HL_ACCOUNT_LIFETIME);
HL_ASSERT_FIELD(hl_block, owner, HL_BLOCK_OWNER);
HL_ASSERT_FIELD(hl_block, requested, HL_BLOCK_REQUESTED);
HL_ASSERT_FIELD(hl_block, serial, HL_BLOCK_SERIAL);
HL_ASSERT_FIELD(hl_span, base, HL_SPAN_BASE);
HL_ASSERT_FIELD(hl_span, block_size, HL_SPAN_BLOCK_SIZE);
HL_ASSERT_FIELD(hl_span, blocks, HL_SPAN_BLOCKS);
HL_ASSERT_FIELD(hl_span, metadata, HL_SPAN_METADATA);
HL_ASSERT_FIELD(hl_span, state, HL_SPAN_STATE);
HL_ASSERT_FIELD(hl_span, pages, HL_SPAN_PAGES);
_Static_assert(HL_PAGE == HL_SPAN_PAGE, "the size of a heap page differs from layout.h");
HL_ASSERT_FIELD(hl_chunk, next, HL_CHUNK_NEXT);
HL_ASSERT_FIELD(hl_chunk, used, HL_CHUNK_USED);
HL_ASSERT_FIELD(hl_chunk, capacity, HL_CHUNK_CAPACITY);
HL_ASSERT_FIELD(hl_cell, key.address, HL_CELL_ADDRESS);
HL_ASSERT_FIELD(hl_cell, block, HL_CELL_BLOCK);
HL_ASSERT_FIELD(hl_cell, inside, HL_CELL_INSIDE);
HL_ASSERT_FIELD(hl_cell, held, HL_CELL_HELD);
HL_ASSERT_FIELD(hl_ignored, address, HL_IGNORED_ADDRESS);
HL_ASSERT_FIELD(hl_ignored, serial, HL_IGNORED_SERIAL);
HL_ASSERT_FIELD(hl_leak_check, kind, HL_FAULT_KIND);
HL_ASSERT_FIELD(hl_leak_check, request, HL_REQUEST_CODE);
HL_ASSERT_FIELD(hl_leak_check, lost_bytes, HL_LEAK_CHECK_LOST);
HL_ASSERT_FIELD(hl_leak_check, possible_bytes, HL_LEAK_CHECK_POSSIBLE);
HL_ASSERT_FIELD(hl_leak_check, reachable_bytes, HL_LEAK_CHECK_REACHABLE);
HL_ASSERT_FIELD(hl_leak_check, suppressed_bytes, HL_LEAK_CHECK_SUPPRESSED);
HL_ASSERT_FIELD(hl_leak_check, quiet, HL_LEAK_CHECK_QUIET);
HL_ASSERT_FIELD(hl_fault, kind, HL_FAULT_KIND);
HL_ASSERT_FIELD(hl_fault, address, HL_FAULT_ADDRESS);
HL_ASSERT_FIELD(hl_fault, context, HL_FAULT_CONTEXT);
HL_ASSERT_FIELD(hl_fault, alloc_context, HL_FAULT_ALLOC_CONTEXT);
HL_ASSERT_FIELD(hl_fault, free_context, HL_FAULT_FREE_CONTEXT);
HL_ASSERT_FIELD(hl_fault, block, HL_FAULT_BLOCK);
HL_ASSERT_FIELD(hl_fault, block_size, HL_FAULT_BLOCK_SIZE);
HL_ASSERT_FIELD(hl_fault, bad, HL_FAULT_BAD);
HL_ASSERT_FIELD(hl_fault, access_size, HL_FAULT_ACCESS_SIZE);
HL_ASSERT_FIELD(hl_fault, access_writes, HL_FAULT_ACCESS_WRITES);
HL_ASSERT_FIELD(hl_fault, access_site, HL_FAULT_ACCESS_SITE);
HL_ASSERT_FIELD(hl_fault, variable_name, HL_FAULT_VARIABLE_NAME);
HL_ASSERT_FIELD(hl_fault, variable_name_length, HL_FAULT_VARIABLE_NAME_LENGTH);
HL_ASSERT_FIELD(hl_fault, variable_function, HL_FAULT_VARIABLE_FUNCTION);
HL_ASSERT_FIELD(hl_fault, allocated_by, HL_FAULT_ALLOCATED_BY);
HL_ASSERT_FIELD(hl_fault, freed_by, HL_FAULT_FREED_BY);
HL_ASSERT_FIELD(hl_runtime, magic, HL_RUNTIME_MAGIC);
HL_ASSERT_FIELD(hl_runtime, version, HL_RUNTIME_VERSION);
HL_ASSERT_FIELD(hl_runtime, top, HL_RUNTIME_TOP);
HL_ASSERT_FIELD(hl_runtime, flags, HL_RUNTIME_FLAGS);
HL_ASSERT_FIELD(hl_runtime, root_node, HL_RUNTIME_ROOT_NODE);
HL_ASSERT_FIELD(hl_runtime, first_chunk, HL_RUNTIME_FIRST_CHUNK);
HL_ASSERT_FIELD(hl_runtime, contexts, HL_RUNTIME_CONTEXTS);
HL_ASSERT_FIELD(hl_runtime, peak_epoch, HL_RUNTIME_PEAK_EPOCH);
HL_ASSERT_FIELD(hl_runtime, alloc_objects, HL_RUNTIME_ALLOC_OBJECTS);
HL_ASSERT_FIELD(hl_runtime, alloc_objects, HL_RUNTIME_SERIAL);
HL_ASSERT_FIELD(hl_runtime, alloc_bytes, HL_RUNTIME_ALLOC_BYTES);
HL_ASSERT_FIELD(hl_runtime, freed_objects, HL_RUNTIME_FREED_OBJECTS);
HL_ASSERT_FIELD(hl_runtime, freed_bytes, HL_RUNTIME_FREED_BYTES);
HL_ASSERT_FIELD(hl_runtime, peak_objects, HL_RUNTIME_PEAK_OBJECTS);
HL_ASSERT_FIELD(hl_runtime, peak_bytes, HL_RUNTIME_PEAK_BYTES);
HL_ASSERT_FIELD(hl_runtime, faults, HL_RUNTIME_FAULTS);
HL_ASSERT_FIELD(hl_runtime, fault_ring, HL_RUNTIME_FAULT_RING);
HL_ASSERT_FIELD(hl_runtime, first_bud_chunk, HL_RUNTIME_FIRST_BUD_CHUNK);
HL_ASSERT_FIELD(hl_runtime, first_span_chunk, HL_RUNTIME_FIRST_SPAN_CHUNK);
HL_ASSERT_FIELD(hl_runtime, spans, HL_RUNTIME_SPANS);
HL_ASSERT_FIELD(hl_runtime, metadata_bytes, HL_RUNTIME_METADATA_BYTES);
HL_ASSERT_FIELD(hl_runtime, heap_bytes, HL_RUNTIME_HEAP_BYTES);
HL_ASSERT_FIELD(hl_runtime, failed, HL_RUNTIME_FAILED);
HL_ASSERT_FIELD(hl_runtime, heap_base, HL_RUNTIME_HEAP_BASE);
HL_ASSERT_FIELD(hl_runtime, first_cell_chunk, HL_RUNTIME_FIRST_CELL_CHUNK);
HL_ASSERT_FIELD(hl_runtime, ignored, HL_RUNTIME_IGNORED);
HL_ASSERT_FIELD(hl_runtime, ignored_count, HL_RUNTIME_IGNORED_COUNT);

/* Nodes and span structs that need no memory from the system. */
#define HL_FIRST_NODES 60u
#define HL_FIRST_SPANS 15u

#define HL_CLASSES 48u
#define HL_LARGE_CLASS 255u
#define HL_BINS 160u
#define HL_BUCKETS 257u
#define HL_FIRST_CONTEXTS 64u
#define HL_RECENT_BITS 9

/* The end of a path that was resolved recently (context.c). */
typedef struct hl_recent {
  u32 hash; /* of the node that the path starts from, and its sites */
  hl_node *node;
} hl_recent;

/* A block that waits to be looked into by the leak scan (mark.c). */
typedef struct hl_waiting {
  u32 address;
  hl_block *block;
} hl_waiting;
_Static_assert(sizeof(hl_waiting) == sizeof(hl_slot), "waiting blocks take the place of slots");

/* The state of a leak scan that marks blocks in their metadata (mark.c). */
typedef struct hl_marking {
  hl_waiting *bottom, *top, *limit; /* top: the next free entry */
  u32 heap_start, heap_size;
  hl_block *leader; /* of the clique that is followed; null while roots are */
  u32 waiting; /* some block is marked HL_WAITING */
} hl_marking;

/* What the page table of the graph says of a page. Unlike hl_state.map it answers in one cache line. */
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

typedef struct hl_list_piece {
  struct hl_list_piece *next;
  u32 bytes;
} hl_list_piece;

/* The state of a leak scan that marks blocks by a graph of their pointers (graph.c). */
typedef struct hl_graph {
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
  u32 followed; /* blocks reached, and */
  u32 looked_into; /* lists looked into in the order they came, since the last guess was judged */
  u32 guesses;
} hl_graph;

/* A freed block that waits before it is used again (quarantine.c). */
typedef struct hl_kept {
  u32 address;
  u32 requested; /* bytes */
} hl_kept;

/* The blocks that wait, in the order in which they were freed: a ring. */
typedef struct hl_quarantine {
  u32 limit; /* bytes */
  u32 bytes; /* that the waiting blocks take */
  u32 first, count;
  u32 capacity; /* of `entries`: a power of two, or 0 */
  hl_kept *entries;
} hl_quarantine;

/* The code of an operator new or delete (operators.c). */
typedef struct hl_operator {
  u32 start, bytes; /* as sites count */
  u32 way; /* HL_WAY_*; HL_WAY_MALLOC for a function that the operators share */
} hl_operator;

typedef struct hl_operators {
  u32 start, bytes; /* of the code from the first operator to the last */
  u32 count;
  u32 deleted, deleted_bytes, deleted_alignment; /* what a running operator delete was given, if it was given a size */
  hl_operator code[HL_OPERATORS_MOST];
} hl_operators;

/* Which bytes the program may touch (shadow.c). */
typedef struct hl_shadow {
  u32 base; /* address of the byte for address 0; 0 while accesses are not checked */
  u32 bytes;
  u32 null_end; /* addresses below this one are near 0 */
  u32 *reported; /* hash table of the places whose faults were reported (access.c) */
  u32 reported_count;
  struct hl_globals *globals; /* global variables that have redzones (variables.c) */
} hl_shadow;

/* What clang writes of a global variable that has a redzone: struct __asan_global. */
typedef struct hl_global {
  u32 start;
  u32 size, size_with_redzone;
  u32 name; /* address of its text */
  u32 module, initialised_late, place, odr; /* not read here */
} hl_global;

/* The global variables of one object file. */
typedef struct hl_globals {
  struct hl_globals *next;
  const hl_global *first;
  u32 count;
} hl_globals;

/* What the program has told the runtime of its own allocators (cells.c, pools.c). */
typedef struct hl_cells {
  hl_table table, holders, pools;
  hl_cell *unused; /* entries of the chunks without a cell, by same_hash */
  hl_chunk *last_chunk;
  u32 live;
  u32 ever; /* there has been a cell */
  hl_cell **sorted; /* by address, while a leak scan lasts */
  u32 sorted_count, sorted_bytes;
} hl_cells;

/* What the program has told the runtime about leaks (lsan.c). */
typedef struct hl_leak_requests {
  u32 disabled; /* calls of __lsan_disable without their __lsan_enable */
  u32 ignored_capacity;
  hl_region *regions;
  u32 region_count, region_capacity;
  hl_leak_check last; /* the last leak check that the program asked for */
} hl_leak_requests;

/* Which allocations fail although there is memory (limits.c). */
typedef struct hl_limits {
  u32 in_force; /* there is any limit */
  u32 most_blocks; /* in use; 0 for no limit */
  u32 most_bytes; /* of one block; 0 for no limit */
  u32 counts; /* attempts are counted, and */
  u32 tells; /* the host is told of each */
  u32 attempts;
  u32 first_failing, last_failing;
} hl_limits;

/* Bounds of the leak scan, in bytes. They are variables because tests set them. */
typedef struct hl_scan_limits {
  u32 heap_least; /* smaller heaps get no graph: all that a scan touches there is in the caches of one core */
  u32 piece; /* memory for lists; with what hl_metadata_allocate adds, exactly 64 pages */
  u32 lists_most;
} hl_scan_limits;

/* The rest of the state: nobody outside reads it. */
typedef struct hl_state {
  /* malloc's first test: requests below it take the fast path. It is 0 until the heap is initialised and while
   * HL_FLAG_TRACE is set, so that neither costs the fast path anything. With access checks, and while the program
   * allocates what leak reports are to leave out, it is 0, too. */
  u32 fast_limit;
  u32 shadowed_limit; /* requests below it take the fast path of checked accesses; 0 without them */
  /* The first test of free and realloc: addresses in pages below it take the fast path. It is map_pages or, while
   * keeps_freed is set, 0. */
  u32 free_pages;
  u32 peak_dirty; /* some context saved its live share since the last peak */
  u64 timeline_next; /* allocated bytes from which on the host wants a point of the timeline; 0: never */

  /* page map: the span of each page of the linear memory, 0 for pages that hold no blocks */
  hl_span **map;
  u32 heap_start;
  u32 map_pages; /* entries in use: pages up to the end of the heap, static data and gaps included */
  u32 map_capacity;
  u32 touched_pages; /* pages up to the last one that was ever taken out of a free run */

  hl_node **contexts; /* hash table of child(parent, site), for wide parents */
  u32 contexts_shift; /* 32 - log2 of its length */
  u32 contexts_used;
  hl_recent recent[1 << HL_RECENT_BITS]; /* by the first bits of the hash */
  u32 free_contexts; /* number of frees that made nodes */
  hl_node *truncated; /* the root's child that stands for paths that are not kept, once frees have made too many */
  hl_chunk *last_chunk, *last_bud_chunk;
  hl_account *next_account, *end_account; /* accounts not yet given to a node */

  hl_span *current[HL_CLASSES]; /* the span each class allocates from */
  hl_span *available[HL_CLASSES]; /* queue of the class's other spans with free blocks */
  hl_span *available_last[HL_CLASSES];
  u32 class_pages[HL_CLASSES]; /* pages the class holds */
  u32 empty_spans; /* spans in `available` without a block in use */
  u32 empty_pages; /* and their pages */
  u64 scavenged_at; /* allocations when the empty spans were last given back */

  hl_span *bins[HL_BINS]; /* free runs by number of pages */
  u32 bin_bits[(HL_BINS + 31) / 32];

  hl_chunk *last_span_chunk;
  hl_span *free_structs;
  u32 free_struct_count;
  u32 refilling;

  u32 metadata_next, metadata_end; /* the metadata chunk being cut */
  u32 buckets[HL_BUCKETS]; /* freed metadata by size / 64, linked by first word */
  u32 bucket_bits[(HL_BUCKETS + 31) / 32];

  u32 initialised;
  u32 roomy; /* the next large block will grow again: put it where there is room behind it */
  u32 taken_zero; /* second result of hl_block_take_slow: the block's bytes are known to be zero */
  u8 class_of[(HL_SMALL_MAX >> 4) + 1]; /* by (size + 15) / 16 */

  u32 tail_taken; /* the memory behind the program's data is in the heap (platform.h, WASI) */
  u32 reserved_end; /* the shadow's memory: hl_system_grow gives none below (platform.h, WASI) */
  u32 returned, returned_end; /* memory at the end that was given back, or 0 (platform.h, WASI) */

  u32 keeps_freed; /* free and realloc take the slow path: for the quarantine, for cells, or while blocks are ignored */
  hl_limits limits;
  hl_quarantine quarantine;
  hl_shadow shadow;
  hl_operators operators;
  u32 metadata_missing; /* there was no memory for metadata at least once */

  hl_cells cells;
  hl_leak_requests requests;
  hl_fault notice; /* the last request that was ignored */
  hl_fault failure; /* the last allocation that failed */
  hl_fault fault_ring[HL_FAULT_RING_LENGTH];
  hl_node *first_contexts[HL_FIRST_CONTEXTS];
  hl_marking mark;
  hl_graph graph;

  /* Allocations of which nothing is known, and all those for whose account there was no memory. */
  _Alignas(HL_GRAIN) hl_account root_account;
  _Alignas(HL_GRAIN) struct {
    hl_chunk header;
    hl_span spans[HL_FIRST_SPANS];
  } first_span_chunk;

#if HL_DEBUG
  const char *failed_assertion; /* its text */
  u32 operations, next_validation; /* valid.c */
#endif
} hl_state;

/* A block of the program's own allocator (record.c). */
typedef struct hl_record {
  u32 address; /* 0 in an entry that is not in use */
  hl_block block;
} hl_record;

/* What a recorder knows of the program's blocks. The host reads it: HL_RECORDED_*. */
typedef struct hl_recorded {
  hl_record *entries; /* hash table by address, with open addressing */
  u32 capacity; /* of `entries`: a power of two, or 0 */
  u32 count;
  u32 active; /* how many functions of the allocator are running, one called by the other */
  u32 unseen; /* blocks that were freed, or allocated, where nobody saw it */
  u32 lost; /* allocations for whose record there was no memory */
  u32 unscanned; /* there was no memory for the index of the last scan */
} hl_recorded;

/* Where blocks begin, for the time of a scan (record.c). Its memory is kept for the next scan. */
typedef struct hl_record_index {
  u32 *starts; /* a bit for each word of memory from `low` on */
  u32 *before; /* by page: the last block that begins before the page; 0 for none */
  u32 room; /* pages for which there is memory */
  u32 low, pages; /* no pages: there is no index */
  u32 last; /* the block before the one that is looked at while overlapping blocks are sought */
} hl_record_index;

_Static_assert(sizeof(hl_record) == HL_RECORD_SIZE, "record size");
HL_ASSERT_FIELD(hl_record, address, HL_RECORD_ADDRESS);
HL_ASSERT_FIELD(hl_record, block, HL_RECORD_BLOCK);
HL_ASSERT_FIELD(hl_recorded, entries, HL_RECORDED_ENTRIES);
HL_ASSERT_FIELD(hl_recorded, capacity, HL_RECORDED_CAPACITY);
HL_ASSERT_FIELD(hl_recorded, count, HL_RECORDED_COUNT);
HL_ASSERT_FIELD(hl_recorded, active, HL_RECORDED_ACTIVE);
HL_ASSERT_FIELD(hl_recorded, unseen, HL_RECORDED_UNSEEN);
HL_ASSERT_FIELD(hl_recorded, lost, HL_RECORDED_LOST);
HL_ASSERT_FIELD(hl_recorded, unscanned, HL_RECORDED_UNSCANNED);

/* heapline_runtime: what has a value from the start. */
typedef struct hl_initialised {
  hl_runtime runtime;
  /* The child of a node that has none: when it is looked at it is never the right one, so nobody has to ask first. */
  _Alignas(HL_NODE_SIZE) hl_node no_child;
  /* The span of a class that never had one. It has no free block, so the first allocation takes the slow path. */
  hl_span no_span;
  hl_scan_limits limits;
#ifdef HL_RECORDER
  hl_recorded recorded;
  hl_record_index index;
#endif
#if defined(__EMSCRIPTEN__) && !defined(HL_RECORDER)
  uintptr_t sbrk_end; /* where memory that sbrk gave out ends, unless Emscripten's libc keeps that itself */
#endif
  _Alignas(HL_GRAIN) struct {
    hl_chunk header;
    hl_node nodes[HL_FIRST_NODES]; /* the first one is the root */
  } first_chunk;
} hl_initialised;

/* heapline_shadow: what is zero at the start. */
typedef struct hl_zeroed {
  hl_slot slots[HL_SHADOW_SLOTS];
  u8 gap[HL_GRAIN]; /* nobody writes behind the last slot: a test looks here */
  hl_state state;
} hl_zeroed;

#endif
