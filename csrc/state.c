/* state.c -- all of the runtime's state, valid before any code has run: there is no constructor.
 *
 * `heapline_runtime` and `heapline_shadow` are the two data symbols the host and the instrumentation find by
 * name. Everything else is in `hl`, one struct, so that the code reaches it by constant address.
 */
#include "platform.h"

static _Alignas(64) struct {
  hl_chunk header;
  hl_node nodes[60];
} hl_first_chunk = {.header = {.used = 1, .capacity = 60}};

/* Allocations that nothing is known about, and all those for whose account there was no memory. */
static _Alignas(64) hl_account hl_root_account;

static _Alignas(64) struct {
  hl_chunk header;
  hl_span spans[15];
} hl_first_span_chunk;

/* The child of a node that has none: looked at, it is never the one, so nobody has to ask first. */
static _Alignas(16) hl_node hl_no_child = {.site = HL_SITE_NONE, .next_sibling = &hl_no_child};

static hl_fault hl_fault_ring[HL_FAULT_RING_LENGTH];
static hl_fault hl_failure; /* the last allocation that failed */
static hl_node *hl_first_contexts[HL_FIRST_CONTEXTS];

hl_slot heapline_shadow[HL_SHADOW_SLOTS];

hl_runtime heapline_runtime = {
    .magic = HL_MAGIC,
    .version = HL_ABI_VERSION,
    .top = heapline_shadow,
    .flags = HL_FLAG_FREE_CONTEXTS,
    .root_node = hl_first_chunk.nodes,
    .first_chunk = &hl_first_chunk.header,
    .contexts = 1,
    .peak_epoch = 1,
    .fault_ring = hl_fault_ring,
    .first_span_chunk = &hl_first_span_chunk.header,
};

static hl_state hl;

#define rt heapline_runtime
#define HL_LAST_SLOT (&heapline_shadow[HL_SHADOW_SLOTS - 1])
