// The compiler flags that Heapline needs for every clang. They have three aims. Debug information has absolute paths.
// Every allocation in the source is made: clang knows malloc and drops calls that it can prove useless. (In C++ clang
// may still drop a new with its delete, because the language allows it and no flag prevents it.) And every call keeps
// a line of its own. This last aim matters more for a heap profile than for a debugger: at -O2, clang 22 folds `if
// (c) p = malloc(a); else p = malloc(b);` into one call on line 0.

import path from 'node:path';
import { REMOVABLE_ALLOCATORS } from '../frames/index.ts';

/** Optimisation when the caller names none: the level of release builds of C. Inlined frames come from DWARF. */
const DEFAULT_OPTIMISATION = '-O2';

// Switches off the passes that merge calls from different lines: sinking and hoisting in the optimiser, and tail
// merging in the code generator.
const KEEP_CALLS_APART = [
  '-mllvm',
  '-simplifycfg-sink-common=false',
  '-mllvm',
  '-simplifycfg-hoist-common=false',
  '-mllvm',
  '-enable-tail-merge=false',
];

/** Flags that every object needs, whoever chooses the rest of its flags. */
export function objectFlags(): string[] {
  return [
    '-g',
    ...REMOVABLE_ALLOCATORS.map((name) => `-fno-builtin-${name}`),
    ...KEEP_CALLS_APART,
    // Allows the stack pointer to be exported, because leak scans need it to find roots.
    '-mmutable-globals',
  ];
}

/** Flags to compile `source` with, for any clang. The caller's own flags come after them. */
export function commonFlags(source: string): string[] {
  return [
    ...objectFlags(),
    DEFAULT_OPTIMISATION,
    `-fdebug-compilation-dir=${path.dirname(source)}`,
    '-fdiagnostics-absolute-paths',
    '-fno-color-diagnostics',
    '-Wno-unused-command-line-argument',
  ];
}

/** setjmp and longjmp use WebAssembly exceptions, in the encoding that Node 20 runs. */
export const SETJMP_FLAGS = ['-mllvm', '-wasm-enable-sjlj'];

/** Whether C++ may throw. True unless the caller has switched exceptions off. */
export function hasExceptions(flags: readonly string[]): boolean {
  const last = flags.findLast((flag) => /^-f(?:no-)?(?:wasm-|cxx-)?exceptions$/.test(flag));
  return last === undefined || !last.startsWith('-fno-');
}

/**
 * Flags for C++ over WASI: exceptions use WebAssembly's own, in the encoding that Node 20 runs. With these flags,
 * <setjmp.h> does not require a flag of its own.
 */
export function wasiCxxFlags(flags: readonly string[]): string[] {
  return hasExceptions(flags) ? ['-fwasm-exceptions', '-mllvm', '-wasm-enable-sjlj'] : ['-fno-exceptions'];
}

/**
 * The emulations that wasi-libc offers on request: signals that a program raises itself, mapped memory, processor
 * time (which is elapsed time), and a process id. Each needs its macro, because without it the header is an error. A
 * library that nothing calls adds nothing to the module.
 */
const EMULATIONS: Readonly<Record<string, string>> = {
  _WASI_EMULATED_SIGNAL: 'wasi-emulated-signal',
  _WASI_EMULATED_MMAN: 'wasi-emulated-mman',
  _WASI_EMULATED_PROCESS_CLOCKS: 'wasi-emulated-process-clocks',
  _WASI_EMULATED_GETPID: 'wasi-emulated-getpid',
};

/** The macros of the emulations whose libraries the sysroot has. */
export function emulationFlags(hasLibrary: (name: string) => boolean = () => true): string[] {
  const macros = Object.keys(EMULATIONS).filter((macro) => hasLibrary(EMULATIONS[macro]!));
  return macros.map((macro) => `-D${macro}`);
}

/** The linker flags of the emulations whose libraries the sysroot has. */
export function emulationLibraries(hasLibrary: (name: string) => boolean = () => true): string[] {
  return Object.values(EMULATIONS)
    .filter(hasLibrary)
    .map((name) => `-l${name}`);
}
