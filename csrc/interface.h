/* interface.h -- everything that the runtime and its surroundings call of each other: the one source of it.
 *
 * scripts/generate-interface.mjs reads the declarations below. From them it makes the types and lists in
 * src/runtime/interface.ts, the linker response files in wasm/, and the table in docs/linking.md. So each declaration
 * stands on one line, a comment that says what it is for stands before it, and it begins with one of these words:
 *
 *   HL_HOST            the host uses it: the linker exports it from every module
 *   HL_FAMILY          the allocation family: the program calls it, and the linker exports it, because the host calls it
 *                      too and instrumenting looks for calls of it
 *   HL_REQUEST         client requests: the program calls it, the linker exports it, and instrumenting looks for calls of
 *                      it
 *   HL_LINKED          libcs and compilers refer to it; it is not exported
 *   HL_IMPORT(name)    a function of the host: the import `name` of the module `heapline`
 *   HL_TEST            an export, and
 *   HL_TEST_IMPORT(name)  an import, of objects that tests link: they are built with HL_TEST_HOOKS
 *
 * Everything declared here and not imported is defined in interface.c. The compiler warns of a definition elsewhere,
 * because a function or variable that is neither static nor declared here is an error (-Wmissing-prototypes).
 * What the host reads and writes in memory is in layout.h. What C programs may use is in include/heapline.h.
 */
#ifndef HEAPLINE_INTERFACE_H
#define HEAPLINE_INTERFACE_H

#include "types.h"

#define HL_HOST extern
#define HL_FAMILY extern
#define HL_LINKED extern
#define HL_REQUEST extern
#define HL_TEST extern
#define HL_IMPORT(name) __attribute__((import_module("heapline"), import_name(#name))) extern
#define HL_TEST_IMPORT(name) HL_IMPORT(name)

/* -- what the host gives -------------------------------------------------------------------------------------- */

/* Returns the id (31 bits, not 0) of the JavaScript stack of a host entry; 0 when that was not captured. `inner`
 * entries lie further in. */
HL_IMPORT(host_stack) u32 heapline_host_stack(u32 inner);
/* A heap fault, an allocation that failed, or a request of the program was recorded at this address. The host may throw to
 * stop the guest. */
HL_IMPORT(fault) void heapline_host_fault(const hl_fault *record);
/* It is time for a point of the timeline, and a block of about so many bytes is about to be made. Returns the bytes to be
 * allocated until the next point; 0 for none. The guest must not be entered from there. */
HL_IMPORT(point) u32 heapline_host_point(u32 bytes);
/* The program called exit(), and libc has not torn down anything yet. */
HL_IMPORT(exiting) void heapline_host_exiting(u32 code);
#if HL_TEST_HOOKS
/* A block was handed out. Called only while HL_FLAG_TRACE is set. */
HL_TEST_IMPORT(trace) void heapline_host_trace(u32 address, u32 size, u32 node);
#endif

/* -- what the host uses --------------------------------------------------------------------------------------- */

/* The runtime block (HL_RUNTIME_*), which everything else in the ledger is found from. */
HL_HOST hl_initialised heapline_runtime;
/* The shadow stack, which instrumented code writes. */
HL_HOST hl_zeroed heapline_shadow;
/* Sets the flags (HL_FLAG_*). */
HL_HOST void heapline_set_flags(u32 flags);
/* Keeps up to so many bytes of freed blocks from being used again and, when `shadow_bytes` is not 0, puts a shadow of
 * memory there, before the first allocation. Returns 0 when there is no memory for the shadow. */
HL_HOST u32 heapline_set_checks(u32 quarantine, u32 shadow, u32 shadow_bytes);
/* Says where the code of an operator new or delete lies (HL_WAY_*). With such code, blocks that are freed in another way than
 * the one in which they were allocated are reported while freed blocks are kept (heapline_set_checks). */
HL_HOST void heapline_operator_add(u32 start, u32 bytes, u32 way);
/* An operator delete begins that is given a block and its size; it has ended when `address` is 0. Instrumented code with
 * checks calls it. */
HL_HOST void heapline_sized_delete(u32 address, u32 bytes, u32 alignment);
/* Asks for a point of the timeline once so many bytes have been allocated; 0 for none. */
HL_HOST void heapline_set_timeline(u32 step);
/* Lets allocations fail that would make more blocks, or a larger block, than this; 0 stands for no limit. */
HL_HOST void heapline_set_limits(u32 most_blocks, u32 most_bytes);
/* Counts attempts to allocate from 1 on, lets those from `first` to `last` fail and, when `tells` is not 0, tells the
 * host of each (HL_FAULT_ATTEMPT). Ends that when `first` is 0. */
HL_HOST void heapline_count_attempts(u32 first, u32 last, u32 tells);
/* The host has restored memory: from `start` to its end it is zero, and nobody has it. */
HL_HOST void heapline_memory_returned(u32 start);
/* Judges an access whose shadow is not 0. `what` is its size in bytes, doubled, plus 1 when it writes. */
HL_HOST void heapline_access(u32 address, u32 what, u32 site);
/* Judges an access to so many bytes. */
HL_HOST void heapline_access_range(u32 address, u32 bytes, u32 writes, u32 site);
/* Judges reading a string of at most so many bytes; returns how many are read, the zero byte included. */
HL_HOST u32 heapline_access_string(u32 address, u32 most, u32 site);
/* Closes and opens stack variables, and the shadow of frames (HL_VARIABLES_*). */
HL_HOST void heapline_variables(u32 what, u32 a, u32 b);
/* The address of the shadow, for code that writes the shadow of its own frames. The names of this word and of the next
 * function are AddressSanitizer's. */
HL_HOST u32 __asan_shadow_memory_dynamic_address;
/* Closes the redzones of the global variables of an object file. */
HL_HOST void __asan_register_globals(void *globals, uintptr_t count);
/* Compares what the ledger keeps twice (`what`: HL_CHECK_*); returns 0, or the line of the check that failed. */
HL_HOST u32 heapline_check(u32 what);
/* The same for the path of one context. */
HL_HOST u32 heapline_check_context(const hl_node *node);
/* The host has written a peak of its own into the runtime block. */
HL_HOST void heapline_peak_written(void);
/* Starts a leak scan. */
HL_HOST void heapline_scan_start(void);
/* Takes all aligned words from `start` up to `end` as roots of the leak scan. */
HL_HOST void heapline_scan_range(u32 start, u32 end);
/* Takes one word as a root of the leak scan. */
HL_HOST void heapline_scan_word(u32 value);
/* Ends the leak scan: every block in use has its class (HL_BLOCK_CLASS_*). */
HL_HOST void heapline_scan_finish(void);
/* Takes the place of exit(): the linker flag --wrap=exit redirects calls of exit() here. */
HL_HOST _Noreturn void __wrap_exit(int code);
#if HL_TEST_HOOKS
/* Sets the bounds from which the leak scan takes its ways (graph.c). */
HL_TEST void heapline_test_scan_limits(u32 heap_least, u32 piece, u32 lists_most);
#endif
#if HL_DEBUG
/* Returns the address of the text of the assertion that failed, which ends with a zero byte; 0 when none has. */
HL_TEST const char *heapline_test_assertion(void);
#endif

/* -- the allocation family ------------------------------------------------------------------------------------ */

/* C17 7.22.3.4. */
HL_FAMILY void *malloc(size_t size);
/* C17 7.22.3.2. */
HL_FAMILY void *calloc(size_t count, size_t each);
/* C17 7.22.3.5. */
HL_FAMILY void *realloc(void *pointer, size_t size);
/* realloc of a product; fails when the product overflows. */
HL_FAMILY void *reallocarray(void *pointer, size_t count, size_t each);
/* C17 7.22.3.3. */
HL_FAMILY void free(void *pointer);
/* C17 7.22.3.1. */
HL_FAMILY void *aligned_alloc(size_t alignment, size_t size);
/* Like aligned_alloc, but an alignment that is no power of two is rounded up to one. */
HL_FAMILY void *memalign(size_t alignment, size_t size);
/* POSIX. Returns an error number. */
HL_FAMILY int posix_memalign(void **result, size_t alignment, size_t size);
/* Aligned to a page of 4 KiB. */
HL_FAMILY void *valloc(size_t size);
/* The size that was asked for. */
HL_FAMILY size_t malloc_usable_size(void *pointer);

/* -- client requests ------------------------------------------------------------------------------------------ */

/* What the program tells or asks the runtime (include/heapline.h has the codes). Returns what the request says. */
HL_REQUEST uintptr_t heapline_request(uintptr_t code, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e);

/* LeakSanitizer's interface (sanitizer/lsan_interface.h). */
HL_LINKED void __lsan_disable(void);
HL_LINKED void __lsan_enable(void);
HL_LINKED void __lsan_ignore_object(const void *object);
HL_LINKED void __lsan_register_root_region(const void *start, size_t size);
HL_LINKED void __lsan_unregister_root_region(const void *start, size_t size);
HL_LINKED void __lsan_do_leak_check(void);
HL_LINKED int __lsan_do_recoverable_leak_check(void);
/* AddressSanitizer's interface for allocators (sanitizer/asan_interface.h). */
HL_LINKED void __asan_poison_memory_region(void const volatile *start, size_t size);
HL_LINKED void __asan_unpoison_memory_region(void const volatile *start, size_t size);
HL_LINKED int __asan_address_is_poisoned(void const volatile *address);
HL_LINKED void *__asan_region_is_poisoned(void *start, size_t size);
/* What clang's layout of stack variables calls. */
HL_LINKED void __asan_init(void);
HL_LINKED void __asan_version_mismatch_check_v8(void);
HL_LINKED void __asan_unregister_globals(void *globals, uintptr_t count);
HL_LINKED void __asan_before_dynamic_init(const char *module);
HL_LINKED void __asan_after_dynamic_init(void);
HL_LINKED void __asan_handle_no_return(void);
HL_LINKED void __asan_poison_cxx_array_cookie(uintptr_t *cookie);
HL_LINKED uintptr_t __asan_load_cxx_array_cookie(const uintptr_t *cookie);
HL_LINKED void __asan_alloca_poison(uintptr_t address, uintptr_t size);
HL_LINKED void __asan_allocas_unpoison(uintptr_t from, uintptr_t to);
HL_LINKED void __asan_poison_stack_memory(uintptr_t address, uintptr_t size);
HL_LINKED void __asan_unpoison_stack_memory(uintptr_t address, uintptr_t size);
HL_LINKED void __asan_set_shadow_00(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_01(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_02(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_03(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_04(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_05(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_06(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_07(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_f1(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_f2(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_f3(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_f5(uintptr_t at, uintptr_t size);
HL_LINKED void __asan_set_shadow_f8(uintptr_t at, uintptr_t size);
/* What libc++'s containers call in code with this layout. */
HL_LINKED void __sanitizer_annotate_contiguous_container(const void *a, const void *b, const void *c, const void *d);
HL_LINKED void __sanitizer_annotate_double_ended_contiguous_container(const void *a, const void *b, const void *c, const void *d, const void *e, const void *f);
HL_LINKED int __sanitizer_verify_contiguous_container(const void *a, const void *b, const void *c);

/* -- other names of the same functions ------------------------------------------------------------------------ */

/* wasi-libc and Emscripten's libc allocate by these names. */
HL_LINKED void *__libc_malloc(size_t size);
HL_LINKED void *__libc_calloc(size_t count, size_t each);
HL_LINKED void *__libc_realloc(void *pointer, size_t size);
HL_LINKED void __libc_free(void *pointer);
HL_LINKED void *__libc_memalign(size_t alignment, size_t size);
HL_LINKED void *__reallocarray(void *pointer, size_t count, size_t each);
#ifdef __EMSCRIPTEN__
HL_LINKED void *emscripten_builtin_malloc(size_t size);
HL_LINKED void *emscripten_builtin_calloc(size_t count, size_t each);
HL_LINKED void *emscripten_builtin_realloc(void *pointer, size_t size);
HL_LINKED void emscripten_builtin_free(void *pointer);
HL_LINKED void *emscripten_builtin_memalign(size_t alignment, size_t size);
/* Weak: where Emscripten's libc has them, its own are linked. */
HL_LINKED uintptr_t *emscripten_get_sbrk_ptr(void);
HL_LINKED void *sbrk(intptr_t increment);
#endif

#endif
