// Generated from csrc/interface.h by scripts/generate-interface.ts: do not edit.
// Addresses and sizes are numbers. WebAssembly gives them to JavaScript as signed ones: use `>>> 0`.

/** An address that a module exports: an immutable global. */
export interface RuntimeAddress {
  readonly value: number;
}

/** The functions that the runtime imports from the module `heapline`. */
export interface RuntimeImports {
  /**
   * Returns the id (31 bits, not 0) of the JavaScript stack of a host entry; 0 when that was not captured.
   * `inner` entries lie further in.
   */
  host_stack(inner: number): number;
  /**
   * A heap fault, an allocation that failed, or a request of the program was recorded at this address. The
   * host may throw to stop the guest.
   */
  fault(record: number): void;
  /**
   * It is time for a point of the timeline, and a block of about so many bytes is about to be made. Returns
   * the bytes to be allocated until the next point; 0 for none. The guest must not be entered from there.
   */
  point(bytes: number): number;
  /** The program called exit(), and libc has not torn down anything yet. */
  exiting(code: number): void;
}

/** What objects that are built for tests import as well. */
export interface RuntimeTestImports {
  /** A block was handed out. Called only while HL_FLAG_TRACE is set. */
  trace(address: number, size: number, node: number): void;
}

/** What a module exports of the runtime that it is linked with. */
export interface RuntimeExports {
  /** The runtime block (HL_RUNTIME_*), which everything else in the ledger is found from. */
  readonly heapline_runtime: RuntimeAddress;
  /** The shadow stack, which instrumented code writes. */
  readonly heapline_shadow: RuntimeAddress;
  /** Sets the flags (HL_FLAG_*). */
  heapline_set_flags(flags: number): void;
  /**
   * Keeps up to so many bytes of freed blocks from being used again and, when `shadow_bytes` is not 0, puts a
   * shadow of memory there, before the first allocation. Returns 0 when there is no memory for the shadow.
   */
  heapline_set_checks(quarantine: number, shadow: number, shadow_bytes: number): number;
  /**
   * Says where the code of an operator new or delete lies (HL_WAY_*). With such code, blocks that are freed
   * in another way than the one in which they were allocated are reported while freed blocks are kept
   * (heapline_set_checks).
   */
  heapline_operator_add(start: number, bytes: number, way: number): void;
  /**
   * An operator delete begins that is given a block and its size; it has ended when `address` is 0.
   * Instrumented code with checks calls it.
   */
  heapline_sized_delete(address: number, bytes: number, alignment: number): void;
  /** Asks for a point of the timeline once so many bytes have been allocated; 0 for none. */
  heapline_set_timeline(step: number): void;
  /**
   * Lets allocations fail that would make more blocks, or a larger block, than this; 0 stands for no limit.
   */
  heapline_set_limits(most_blocks: number, most_bytes: number): void;
  /**
   * Counts attempts to allocate from 1 on, lets those from `first` to `last` fail and, when `tells` is not 0,
   * tells the host of each (HL_FAULT_ATTEMPT). Ends that when `first` is 0.
   */
  heapline_count_attempts(first: number, last: number, tells: number): void;
  /** The host has restored memory: from `start` to its end it is zero, and nobody has it. */
  heapline_memory_returned(start: number): void;
  /** Judges an access whose shadow is not 0. `what` is its size in bytes, doubled, plus 1 when it writes. */
  heapline_access(address: number, what: number, site: number): void;
  /** Judges an access to so many bytes. */
  heapline_access_range(address: number, bytes: number, writes: number, site: number): void;
  /** Judges reading a string of at most so many bytes; returns how many are read, the zero byte included. */
  heapline_access_string(address: number, most: number, site: number): number;
  /** Closes and opens stack variables, and the shadow of frames (HL_VARIABLES_*). */
  heapline_variables(what: number, a: number, b: number): void;
  /**
   * The address of the shadow, for code that writes the shadow of its own frames. The names of this word and
   * of the next function are AddressSanitizer's.
   */
  readonly __asan_shadow_memory_dynamic_address: RuntimeAddress;
  /** Closes the redzones of the global variables of an object file. */
  __asan_register_globals(globals: number, count: number): void;
  /**
   * Compares what the ledger keeps twice (`what`: HL_CHECK_*); returns 0, or the line of the check that
   * failed.
   */
  heapline_check(what: number): number;
  /** The same for the path of one context. */
  heapline_check_context(node: number): number;
  /** The host has written a peak of its own into the runtime block. */
  heapline_peak_written(): void;
  /** Starts a leak scan. */
  heapline_scan_start(): void;
  /** Takes all aligned words from `start` up to `end` as roots of the leak scan. */
  heapline_scan_range(start: number, end: number): void;
  /** Takes one word as a root of the leak scan. */
  heapline_scan_word(value: number): void;
  /** Ends the leak scan: every block in use has its class (HL_BLOCK_CLASS_*). */
  heapline_scan_finish(): void;
  /** Takes the place of exit(): the linker flag --wrap=exit redirects calls of exit() here. */
  __wrap_exit(code: number): void;
  /** C17 7.22.3.4. */
  malloc(size: number): number;
  /** C17 7.22.3.2. */
  calloc(count: number, each: number): number;
  /** C17 7.22.3.5. */
  realloc(pointer: number, size: number): number;
  /** realloc of a product; fails when the product overflows. */
  reallocarray(pointer: number, count: number, each: number): number;
  /** C17 7.22.3.3. */
  free(pointer: number): void;
  /** C17 7.22.3.1. */
  aligned_alloc(alignment: number, size: number): number;
  /** Like aligned_alloc, but an alignment that is no power of two is rounded up to one. */
  memalign(alignment: number, size: number): number;
  /** POSIX. Returns an error number. */
  posix_memalign(result: number, alignment: number, size: number): number;
  /** Aligned to a page of 4 KiB. */
  valloc(size: number): number;
  /** The size that was asked for. */
  malloc_usable_size(pointer: number): number;
  /**
   * What the program tells or asks the runtime (include/heapline.h has the codes). Returns what the request
   * says.
   */
  heapline_request(code: number, a: number, b: number, c: number, d: number, e: number): number;
}

/** What objects that are built for tests export as well. */
export interface RuntimeTestExports {
  /** Sets the bounds from which the leak scan takes its ways (graph.c). */
  heapline_test_scan_limits(heap_least: number, piece: number, lists_most: number): void;
  /**
   * Returns the address of the text of the assertion that failed, which ends with a zero byte; 0 when none
   * has.
   */
  heapline_test_assertion(): number;
}

/** The runtime's exports that the host uses. */
export const HOST_EXPORTS: readonly string[] = [
  'heapline_runtime',
  'heapline_shadow',
  'heapline_set_flags',
  'heapline_set_checks',
  'heapline_operator_add',
  'heapline_sized_delete',
  'heapline_set_timeline',
  'heapline_set_limits',
  'heapline_count_attempts',
  'heapline_memory_returned',
  'heapline_access',
  'heapline_access_range',
  'heapline_access_string',
  'heapline_variables',
  '__asan_shadow_memory_dynamic_address',
  '__asan_register_globals',
  'heapline_check',
  'heapline_check_context',
  'heapline_peak_written',
  'heapline_scan_start',
  'heapline_scan_range',
  'heapline_scan_word',
  'heapline_scan_finish',
  '__wrap_exit',
];

/** The allocation family, by C's own names: contexts are made for calls of these functions. */
export const ALLOCATION_FAMILY: readonly string[] = [
  'malloc',
  'calloc',
  'realloc',
  'reallocarray',
  'free',
  'aligned_alloc',
  'memalign',
  'posix_memalign',
  'valloc',
  'malloc_usable_size',
];

/**
 * What a program calls to tell the runtime something: contexts are made for calls of these functions, too.
 */
export const REQUEST_FUNCTIONS: readonly string[] = ['heapline_request'];
