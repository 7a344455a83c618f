/* heapline.c -- the Heapline runtime: an allocator that knows who holds every byte.
 *
 * This file is the whole runtime: it includes the parts below in order, so that the compiler sees them as one unit
 * and the fast paths become straight code. Of libc it uses errno and, on Emscripten, sbrk.
 *
 * How a block is allocated. Instrumented code keeps a shadow stack of call sites (heapline_shadow). malloc turns the
 * top of that stack into a *context*, a node of the calling-context tree (context.c). Usually this takes one look at
 * the slot and one at the children of its caller, or the path is recalled. malloc then pops a block from the current
 * span of the size's class (spans.c), counts it on the context (ledger.c), and writes the context, the requested size
 * and the serial into the block's metadata. free finds the block through the page map, checks that the pointer is
 * exactly the start of a live block (free.c), and takes the block off the same context. Any other pointer is a fault
 * (fault.c).
 *
 * Memory. Pages of 4 KB come from the system in larger pieces (platform.h) and are kept as free runs (pages.c). Spans
 * are runs of pages; a large block is a span of its own. The runtime's own memory (metadata of blocks, nodes, tables)
 * is cut from pages that hold nothing else (metadata.c), or lies before the blocks of a span with a gap on either
 * side. It is never between blocks.
 *
 * No code here runs before the first call, everything is single-threaded, and no function recurses.
 *
 *      shadow stack          context tree              span
 *      +------+------+       root                      +-- metadata: {context, size, serial} ...
 *      | site | node | --->   +- main:10               |   (out of band)
 *      | site | node | --->      +- parse:7  <---------+
 *      | site |  0   |              +- malloc site     +-- blocks: | b | b | b | b | b | b |
 *      +------+------+ <- top
 *
 * Ideas: size classes, spans and the page map are those of tcmalloc and Go's runtime (malloc.go, mheap.go). Go's
 * mprof.go has profile buckets for hashed stacks; here they form a tree. Metadata lies apart from blocks for the
 * reasons of scudo and ASan. Temporary allocations are an idea of heaptrack's.
 */
#include "platform.h"

#include "state.c"

#include "shadow.c"

#include "pages.c"

#include "metadata.c"

#include "nodes.c"

#include "ledger.c"

#include "buds.c"

#include "context.c"

#include "books.c"

#include "timeline.c"

#include "spans.c"

#include "fault.c"

#include "keyed.c"

#include "operators.c"

#include "free.c"

#include "quarantine.c"

#include "limits.c"

#include "allocate.c"

#include "realloc.c"

#include "blocks.c"

#include "pointers.c"

#include "poison.c"

#include "cells.c"

#include "pools.c"

#include "access.c"

#include "variables.c"

#include "mark.c"

#include "graph.c"

#include "lsan.c"

#include "scan.c"

#include "requests.c"

#include "check.c"

#include "valid.c"

#include "interface.c"
