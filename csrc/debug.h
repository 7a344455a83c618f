/* debug.h -- assertions inside operations, in three levels, as mimalloc has them.
 *
 *   HL_ASSERT            from level 1: what a function may take for granted; a comparison or two
 *   HL_ASSERT_INTERNAL   from level 2: whether the structures that an operation has just read or changed agree
 *   HL_ASSERT_EXPENSIVE  from level 3: walks over a whole structure (valid.c)
 *
 * The level is HL_DEBUG. The objects that are shipped have level 0, where an assertion is no code at all: a test
 * compares them with objects built from sources without any. Conditions must not change anything.
 *
 * An assertion that fails leaves its text for heapline_test_assertion() and traps. Nothing is imported for it, so
 * that every host can run a module with assertions.
 */
#ifndef HEAPLINE_DEBUG_H
#define HEAPLINE_DEBUG_H

#if HL_DEBUG

#define HL_TEXT_OF(line) #line
#define HL_TEXT(line) HL_TEXT_OF(line)

_Noreturn HL_COLD void hl_assertion_failed(const char *text) {
  heapline_shadow.state.failed_assertion = text;
  __builtin_trap();
}

#define HL_ASSERT_ALWAYS(condition, text) \
  ((condition) ? (void)0 : hl_assertion_failed(__FILE_NAME__ ":" HL_TEXT(__LINE__) ": " text))
#endif

#if HL_DEBUG >= 1
#define HL_ASSERT(condition) HL_ASSERT_ALWAYS(condition, #condition)
#else
#define HL_ASSERT(condition) ((void)0)
#endif

#if HL_DEBUG >= 2
#define HL_ASSERT_INTERNAL(condition) HL_ASSERT_ALWAYS(condition, #condition)
#else
#define HL_ASSERT_INTERNAL(condition) ((void)0)
#endif

#if HL_DEBUG >= 3
static int hl_span_is_valid(const hl_span *span);
static u32 hl_check_map(void);
static int hl_is_zero(u32 address, u32 size);
static int hl_ring_is_valid(hl_node *parent);
static int hl_is_valid_now(void);
#define HL_ASSERT_EXPENSIVE(condition) HL_ASSERT_ALWAYS(condition, #condition)
#else
#define HL_ASSERT_EXPENSIVE(condition) ((void)0)
#endif

#endif
