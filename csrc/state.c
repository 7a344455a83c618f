/* state.c -- where the runtime's state is. All of it is valid before any code has run: there is no constructor.
 *
 * There are two variables and no third, so that the leak scan knows which memory is the runtime's own (scan.c) and no
 * list of it can be out of date. A test looks at the object for others, except for one word that points to no block
 * (__asan_shadow_memory_dynamic_address). interface.c defines both, because the host
 * and the instrumentation find them by name:
 *
 *   heapline_runtime   what has a value from the start: the runtime block, which the host reads, and a little more
 *   heapline_shadow    what is zero at the start: the shadow stack, and the rest. It is apart from the other because
 *                      zeros take no place in a module.
 *
 * The code reaches their parts by constant address, and by these short names.
 */
#include "platform.h"

#define hl_start heapline_runtime
#define rt heapline_runtime.runtime
#define hl_slots heapline_shadow.slots
#define hl heapline_shadow.state
#define HL_LAST_SLOT (&hl_slots[HL_SHADOW_SLOTS - 1])

#if defined(__EMSCRIPTEN__) && !defined(HL_RECORDER)
#define HL_INITIAL_PLATFORM .sbrk_end = (uintptr_t)&__heap_base,
#else
#define HL_INITIAL_PLATFORM
#endif

#define HL_INITIAL_STATE                                                         \
  {                                                                              \
      .runtime =                                                                 \
          {                                                                      \
              .magic = HL_MAGIC,                                                 \
              .version = HL_ABI_VERSION,                                         \
              .top = hl_slots,                                                   \
              .flags = HL_FLAG_FREE_CONTEXTS,                                    \
              .root_node = hl_start.first_chunk.nodes,                           \
              .first_chunk = &hl_start.first_chunk.header,                       \
              .contexts = 1,                                                     \
              .peak_epoch = 1,                                                   \
              .fault_ring = hl.fault_ring,                                       \
              .first_span_chunk = &hl.first_span_chunk.header,                   \
              .heap_base = (uintptr_t)&__heap_base,                              \
          },                                                                     \
      .no_child = {.site = HL_SITE_NONE, .next_sibling = &hl_start.no_child},    \
      .no_span = {.free = HL_NO_BLOCK, .class = HL_LARGE_CLASS},                 \
      .limits = {2u << 20, (1u << 18) - 2 * HL_GRAIN, 0xffffffffu},              \
      .first_chunk = {.header = {.used = 1, .capacity = HL_FIRST_NODES}},        \
      HL_INITIAL_PLATFORM                                                        \
  }
