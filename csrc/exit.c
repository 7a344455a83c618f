/* exit.c -- the hook at exit(): the profile is taken before libc tears down.
 *
 * Modules with a main() are linked with --wrap=exit; in others nothing refers to __wrap_exit and the linker
 * drops it together with its reference to __real_exit.
 */
#include "platform.h"

extern _Noreturn void __real_exit(int code);

_Noreturn void __wrap_exit(int code) {
  heapline_host_exiting((u32)code);
  __real_exit(code);
}
