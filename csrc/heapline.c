/* heapline.c -- the Heapline runtime: an allocator that knows who holds every byte.
 *
 * This file is the whole runtime: it includes the parts below in order, so that the compiler sees them as one
 * unit and the fast paths become straight code. Nothing of libc is used but errno and, on Emscripten, sbrk.
 *
 * The way of an allocation. Instrumented code keeps a shadow stack of call sites (heapline_shadow). malloc
 * turns its top into a *context*, a node of the calling-context tree (context.c): usually one look into the
 * slot, one at the children of its caller, or a path recalled. It pops a block from the current span of the
 * size's class (spans.c), counts it on the context (ledger.c), and notes context, requested size and serial in
 * the block's metadata.
 * free finds the block through the page map, checks that the pointer is exactly the start of a live block
 * (free.c), and takes it off the same context; anything else is a fault (fault.c).
 *
 * Memory. Pages of 4 KB come from the system in larger pieces (platform.h) and are kept as free runs
 * (pages.c). Spans are runs of pages; a large block is a span of its own. What the runtime itself needs --
 * metadata of blocks, nodes, tables -- is cut from pages of its own (metadata.c), or lies before the blocks of
 * its span with a gap on either side; never between blocks.
 *
 * Nothing here runs before the first call, everything is single-threaded, and nothing recurses.
 *
 *      shadow stack          context tree              span
 *      +------+------+       root                      +-- metadata: {context, size, serial} ...
 *      | site | node | --->   +- main:10               |   (out of band)
 *      | site | node | --->      +- parse:7  <---------+
 *      | site |  0   |              +- malloc site     +-- blocks: | b | b | b | b | b | b |
 *      +------+------+ <- top
 *
 * Ideas: size classes, spans and page map from tcmalloc and Go's runtime (malloc.go, mheap.go); profile
 * buckets from Go's mprof.go, here a tree instead of hashed stacks; out-of-band metadata from scudo's and
 * ASan's concerns; temporary allocations from heaptrack.
 */
#include "platform.h"

#include "state.c"

#include "pages.c"

#include "metadata.c"

#include "nodes.c"

#include "ledger.c"

#include "buds.c"

#include "context.c"

#include "spans.c"

#include "fault.c"

#include "free.c"

#include "allocate.c"

#include "realloc.c"

#include "aliases.c"

#include "pointers.c"

#include "mark.c"

#include "graph.c"

#include "scan.c"

#include "exit.c"

#include "check.c"
