/* sanitizer/lsan_interface.h -- LeakSanitizer's interface, answered by the Heapline runtime.
 *
 * The functions are weak: without the runtime they are missing, and calls of them must be behind a test. The macro of
 * each name has that test. Other programs than those for WebAssembly see nothing of it: there the functions do nothing.
 */
#ifndef HEAPLINE_LSAN_INTERFACE_H
#define HEAPLINE_LSAN_INTERFACE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__wasm32__)

/* What is allocated between these two is no leak. They nest. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
/* The block around this address is no leak, nor is what hangs on it. */
void __lsan_ignore_object(const void *object) __attribute__((weak));
/* Pointers in this memory keep blocks reachable. */
void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak));
void __lsan_unregister_root_region(const void *start, size_t size) __attribute__((weak));
/* Looks for leaks now. The program ends with exit code 23 when there are some. */
void __lsan_do_leak_check(void) __attribute__((weak));
/* The same, but the program goes on. Returns 0 when there are none. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

#define __lsan_disable() (__lsan_disable ? __lsan_disable() : (void)0)
#define __lsan_enable() (__lsan_enable ? __lsan_enable() : (void)0)
#define __lsan_ignore_object(object) (__lsan_ignore_object ? __lsan_ignore_object(object) : (void)(object))
#define __lsan_register_root_region(start, size) \
  (__lsan_register_root_region ? __lsan_register_root_region(start, size) : (void)(size))
#define __lsan_unregister_root_region(start, size) \
  (__lsan_unregister_root_region ? __lsan_unregister_root_region(start, size) : (void)(size))
#define __lsan_do_leak_check() (__lsan_do_leak_check ? __lsan_do_leak_check() : (void)0)
#define __lsan_do_recoverable_leak_check() \
  (__lsan_do_recoverable_leak_check ? __lsan_do_recoverable_leak_check() : 0)

#else

static inline void __lsan_disable(void) {}
static inline void __lsan_enable(void) {}
static inline void __lsan_ignore_object(const void *object) { (void)object; }
static inline void __lsan_register_root_region(const void *start, size_t size) { (void)start, (void)size; }
static inline void __lsan_unregister_root_region(const void *start, size_t size) { (void)start, (void)size; }
static inline void __lsan_do_leak_check(void) {}
static inline int __lsan_do_recoverable_leak_check(void) { return 0; }

#endif

/* The program may define these. When the first returns 1, the program's leaks are not reported. The other two return
 * text: suppressions, one a line, and options, which Heapline does not read. */
int __lsan_is_turned_off(void);
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

#ifdef __cplusplus
}

namespace __lsan {
class ScopedDisabler {
 public:
  ScopedDisabler() { __lsan_disable(); }
  ~ScopedDisabler() { __lsan_enable(); }
};
}  // namespace __lsan
#endif

#endif
