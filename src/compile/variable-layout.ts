// The flags by which clang puts redzones between variables on the stack and global variables. They are AddressSanitizer's,
// without its checks of accesses: Heapline puts checks into the linked module (src/access/), and its runtime has what the
// code calls (csrc/variables.c). All of them exist in clang 14 to 22.

const LLVM_OPTIONS = [
  // The code reads where the shadow is when a function begins. Heapline knows the address only after linking.
  '-asan-force-dynamic-shadow',
  // Leaves out clang's checks, and calls in place of memcpy, memmove and memset.
  '-asan-instrument-reads=0',
  '-asan-instrument-writes=0',
  '-asan-instrument-atomics=0',
  '-asan-debug-min=2147483647',
  '-asan-debug-max=2147483647',
  // Frames stay at a constant distance from the stack pointer, which is a multiple of 16.
  '-asan-stack-dynamic-alloca=0',
  '-asan-realign-stack=16',
  '-asan-guard-against-version-mismatch=0',
  '-asan-destructor-kind=none',
];

/** The flags that lay out variables, for any clang. */
export const VARIABLE_LAYOUT: readonly string[] = [
  // The driver would look for a library of AddressSanitizer.
  ...['-Xclang', '-fsanitize=address'],
  ...['-Xclang', '-fsanitize-address-use-after-return=never'],
  ...['-Xclang', '-fsanitize-address-use-after-scope'],
  ...LLVM_OPTIONS.flatMap((option) => ['-mllvm', option]),
];
