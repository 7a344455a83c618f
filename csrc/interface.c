/* interface.c -- the only file with exports: each function and variable that interface.h declares is defined here.
 *
 * A function here calls another one that does the work and is inlined. So this file shows what there is, and the
 * other files show how it works. After an operation of the program the heap is as it should be, which the highest
 * level of assertions checks here.
 */
#include "platform.h"

#define HEAPLINE_RUNTIME /* declared by interface.h */
#include "heapline.h"

/* -- data ----------------------------------------------------------------------------------------------------- */

hl_initialised heapline_runtime = HL_INITIAL_STATE;

hl_zeroed heapline_shadow;

u32 __asan_shadow_memory_dynamic_address;

/* include/heapline.h reads the runtime block without layout.h. */
_Static_assert(HEAPLINE_ABI == HL_ABI_VERSION, "heapline.h is for another version of the layout");
_Static_assert(HEAPLINE_MAGIC == HL_MAGIC, "heapline.h is for another runtime");
HL_ASSERT_FIELD(struct heapline_block, magic, HL_RUNTIME_MAGIC);
HL_ASSERT_FIELD(struct heapline_block, version, HL_RUNTIME_VERSION);
HL_ASSERT_FIELD(struct heapline_block, alloc_objects, HL_RUNTIME_ALLOC_OBJECTS);
HL_ASSERT_FIELD(struct heapline_block, alloc_bytes, HL_RUNTIME_ALLOC_BYTES);
HL_ASSERT_FIELD(struct heapline_block, freed_objects, HL_RUNTIME_FREED_OBJECTS);
HL_ASSERT_FIELD(struct heapline_block, freed_bytes, HL_RUNTIME_FREED_BYTES);

/* -- for the host --------------------------------------------------------------------------------------------- */

void heapline_set_flags(u32 flags) { hl_set_flags(flags); }

u32 heapline_set_checks(u32 quarantine, u32 shadow, u32 shadow_bytes) {
  if (!hl_checks_set(quarantine, shadow, shadow_bytes)) return 0;
  if (shadow_bytes) __asan_shadow_memory_dynamic_address = shadow;
  return 1;
}

void heapline_operator_add(u32 start, u32 bytes, u32 way) { hl_operator_add(start, bytes, way); }

void heapline_sized_delete(u32 address, u32 bytes, u32 alignment) { hl_sized_delete(address, bytes, alignment); }

void heapline_set_timeline(u32 step) { hl_timeline_set(step); }

void heapline_set_limits(u32 most_blocks, u32 most_bytes) { hl_limits_set(most_blocks, most_bytes); }

void heapline_count_attempts(u32 first, u32 last, u32 tells) { hl_limits_count(first, last, tells); }

void heapline_memory_returned(u32 start) { hl_system_returned(start); }

void heapline_access(u32 address, u32 what, u32 site) { hl_access_judge(address, what >> 1, what & 1, site); }

void heapline_access_range(u32 address, u32 bytes, u32 writes, u32 site) {
  hl_access_judge(address, bytes, writes, site);
}

u32 heapline_access_string(u32 address, u32 most, u32 site) { return hl_access_string(address, most, site); }

/* Not inlined, because instrumenting takes calls of it for a sign of frames that have redzones. */
__attribute__((noinline)) void heapline_variables(u32 what, u32 a, u32 b) { hl_variables(what, a, b); }

void __asan_register_globals(void *globals, uintptr_t count) { hl_globals_add(globals, count); }

u32 heapline_check(u32 what) { return hl_check(what); }

u32 heapline_check_context(const hl_node *node) { return hl_check_context(node); }

void heapline_peak_written(void) { hl_ledger_peak_written(); }

void heapline_scan_start(void) { hl_scan_start(); }

void heapline_scan_range(u32 start, u32 end) { hl_scan_range(start, end); }

void heapline_scan_word(u32 value) { hl_scan_word(value); }

void heapline_scan_finish(void) {
  hl_scan_finish();
  HL_ASSERT_EXPENSIVE(!hl_check(HL_CHECK_HEAP));
}

/* libc's exit(), as the linker names it with --wrap=exit. */
extern _Noreturn void __real_exit(int code);

/* Modules with a main() are linked with --wrap=exit, so that the profile is taken before libc tears down. In others
 * nothing refers to this function, and the linker drops it together with its reference to __real_exit. */
_Noreturn void __wrap_exit(int code) {
  heapline_host_exiting((u32)code);
  __real_exit(code);
}

#if HL_TEST_HOOKS
void heapline_test_scan_limits(u32 heap_least, u32 piece, u32 lists_most) {
  hl_scan_set_limits(heap_least, piece, lists_most);
}
#endif

#if HL_DEBUG
const char *heapline_test_assertion(void) { return hl.failed_assertion; }
#endif

/* -- the allocation family ------------------------------------------------------------------------------------ */

void *malloc(size_t size) {
  void *pointer = hl_malloc(size);
  HL_ASSERT_EXPENSIVE(hl_is_valid_now());
  return pointer;
}

void *calloc(size_t count, size_t each) {
  void *pointer = hl_calloc(count, each);
  HL_ASSERT_EXPENSIVE(hl_is_valid_now());
  return pointer;
}

void *realloc(void *pointer, size_t size) {
  pointer = hl_realloc(pointer, size);
  HL_ASSERT_EXPENSIVE(hl_is_valid_now());
  return pointer;
}

void *reallocarray(void *pointer, size_t count, size_t each) { return hl_reallocarray(pointer, count, each); }

void free(void *pointer) {
  hl_free(pointer);
  HL_ASSERT_EXPENSIVE(hl_is_valid_now());
}

void *aligned_alloc(size_t alignment, size_t size) { return hl_aligned_alloc(alignment, size); }

void *memalign(size_t alignment, size_t size) { return hl_memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  return hl_posix_memalign(result, alignment, size);
}

void *valloc(size_t size) { return hl_valloc(size); }

size_t malloc_usable_size(void *pointer) { return hl_usable_size(pointer); }

/* -- client requests ------------------------------------------------------------------------------------------ */

uintptr_t heapline_request(uintptr_t code, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e) {
  u32 result = hl_request(code, a, b, c, d, e);
  HL_ASSERT_EXPENSIVE(hl_is_valid_now());
  return result;
}

/* The functions below touch no memory themselves, because their accesses would be checked like the program's. */

#define HL_ASK(name, a, b) heapline_request(HEAPLINE_REQUEST_##name, (uintptr_t)(a), (uintptr_t)(b), 0, 0, 0)

void __lsan_disable(void) { HL_ASK(IGNORE_ALL, 0, 0); }

void __lsan_enable(void) { HL_ASK(IGNORE_NO_MORE, 0, 0); }

void __lsan_ignore_object(const void *object) { HL_ASK(IGNORE_BLOCK, object, 0); }

void __lsan_register_root_region(const void *start, size_t size) { HL_ASK(ADD_ROOTS, start, size); }

void __lsan_unregister_root_region(const void *start, size_t size) { HL_ASK(REMOVE_ROOTS, start, size); }

extern _Noreturn void _Exit(int code);

/* LeakSanitizer's exit code for leaks. */
void __lsan_do_leak_check(void) {
  if (HL_ASK(CHECK_LEAKS, 0, 0)) _Exit(23);
}

int __lsan_do_recoverable_leak_check(void) { return HL_ASK(CHECK_LEAKS, 0, 0) != 0; }

void __asan_poison_memory_region(void const volatile *start, size_t size) { HL_ASK(CLOSE_MEMORY, start, size); }

void __asan_unpoison_memory_region(void const volatile *start, size_t size) { HL_ASK(OPEN_MEMORY, start, size); }

int __asan_address_is_poisoned(void const volatile *address) { return HL_ASK(IS_CLOSED, address, 1) != 0; }

void *__asan_region_is_poisoned(void *start, size_t size) { return (void *)HL_ASK(IS_CLOSED, start, size); }

/* An object file calls this before its other code runs. */
void __asan_init(void) { heapline_variables(HL_VARIABLES_BEGIN, (u32)&__asan_shadow_memory_dynamic_address, 0); }

void __asan_version_mismatch_check_v8(void) {}

void __asan_unregister_globals(void *globals, uintptr_t count) { (void)globals, (void)count; }

void __asan_before_dynamic_init(const char *module) { (void)module; }

void __asan_after_dynamic_init(void) {}

/* The number of elements that C++ keeps before an array. It is left open, as by AddressSanitizer in 32 bits. */
void __asan_poison_cxx_array_cookie(uintptr_t *cookie) { (void)cookie; }

uintptr_t __asan_load_cxx_array_cookie(const uintptr_t *cookie) { return *cookie; }

void __asan_handle_no_return(void) { heapline_variables(HL_VARIABLES_MAY_END, 0, 0); }

void __asan_alloca_poison(uintptr_t address, uintptr_t size) {
  heapline_variables(HL_VARIABLES_ALLOCA, address, size);
}

void __asan_allocas_unpoison(uintptr_t from, uintptr_t to) { heapline_variables(HL_VARIABLES_ALLOCA_ENDS, from, to); }

void __asan_poison_stack_memory(uintptr_t address, uintptr_t size) {
  heapline_variables(HL_VARIABLES_CLOSE, address, size);
}

void __asan_unpoison_stack_memory(uintptr_t address, uintptr_t size) {
  heapline_variables(HL_VARIABLES_OPEN, address, size);
}

#define HL_SET_SHADOW(value)                                      \
  void __asan_set_shadow_##value(uintptr_t at, uintptr_t size) { \
    heapline_variables(0x##value, at, size);                     \
  }
HL_SET_SHADOW(00)
HL_SET_SHADOW(01)
HL_SET_SHADOW(02)
HL_SET_SHADOW(03)
HL_SET_SHADOW(04)
HL_SET_SHADOW(05)
HL_SET_SHADOW(06)
HL_SET_SHADOW(07)
HL_SET_SHADOW(f1)
HL_SET_SHADOW(f2)
HL_SET_SHADOW(f3)
HL_SET_SHADOW(f5)
HL_SET_SHADOW(f8)

/* Memory of containers stays open, because libraries that were compiled without this layout do not say what they use. */
void __sanitizer_annotate_contiguous_container(const void *a, const void *b, const void *c, const void *d) {
  (void)a, (void)b, (void)c, (void)d;
}

void __sanitizer_annotate_double_ended_contiguous_container(const void *a, const void *b, const void *c, const void *d,
                                                            const void *e, const void *f) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
}

int __sanitizer_verify_contiguous_container(const void *a, const void *b, const void *c) {
  (void)a, (void)b, (void)c;
  return 1;
}

/* -- other names of the same functions ------------------------------------------------------------------------ */

/* Every symbol of wasi-libc's dlmalloc.o and of Emscripten's libdlmalloc that anything refers to is defined in this
 * file, so that neither object is ever linked. */
#define HL_ALIAS(of) __attribute__((alias(#of)))

HL_ALIAS(malloc) void *__libc_malloc(size_t size);
HL_ALIAS(calloc) void *__libc_calloc(size_t count, size_t each);
HL_ALIAS(realloc) void *__libc_realloc(void *pointer, size_t size);
HL_ALIAS(free) void __libc_free(void *pointer);
HL_ALIAS(memalign) void *__libc_memalign(size_t alignment, size_t size);
HL_ALIAS(reallocarray) void *__reallocarray(void *pointer, size_t count, size_t each);

#ifdef __EMSCRIPTEN__
HL_ALIAS(malloc) void *emscripten_builtin_malloc(size_t size);
HL_ALIAS(calloc) void *emscripten_builtin_calloc(size_t count, size_t each);
HL_ALIAS(realloc) void *emscripten_builtin_realloc(void *pointer, size_t size);
HL_ALIAS(free) void emscripten_builtin_free(void *pointer);
HL_ALIAS(memalign) void *emscripten_builtin_memalign(size_t alignment, size_t size);

/* Until 3.1.6 Emscripten's sbrk was in its malloc libraries, which -sMALLOC=none leaves out; later it is in libc.
 * These two are weak, so that another one that is linked serves everybody. */
__attribute__((weak)) uintptr_t *emscripten_get_sbrk_ptr(void) { return &heapline_runtime.sbrk_end; }

__attribute__((weak)) void *sbrk(intptr_t increment) { return hl_sbrk(increment); }
#endif
