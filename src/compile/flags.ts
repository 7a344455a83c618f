// The compiler flags that Heapline needs, whichever clang runs. Three aims: debug information with absolute
// paths; every allocation that the source makes is made (clang knows malloc and drops calls it can prove
// useless; of C++ it may still drop a new with its delete, which the language allows and no flag prevents); and
// every call keeps a line of its own. The last one matters for a heap profile more than for a debugger: at -O2,
// clang 22 folds `if (c) p = malloc(a); else p = malloc(b);` into one call on line 0.

import path from 'node:path';
import { REMOVABLE_ALLOCATORS } from '../frames/index.ts';

/** Optimisation when the caller names none: what release builds of C use. Inlined frames come from DWARF. */
const DEFAULT_OPTIMISATION = '-O2';

// Passes that merge calls from different lines: sinking and hoisting in the optimiser, tail merging in the
// code generator.
const KEEP_CALLS_APART = [
  '-mllvm',
  '-simplifycfg-sink-common=false',
  '-mllvm',
  '-simplifycfg-hoist-common=false',
  '-mllvm',
  '-enable-tail-merge=false',
];

/** Flags for any clang to compile `source` with, before the caller's own. */
export function commonFlags(source: string): string[] {
  return [
    '-g',
    DEFAULT_OPTIMISATION,
    ...REMOVABLE_ALLOCATORS.map((name) => `-fno-builtin-${name}`),
    ...KEEP_CALLS_APART,
    // Lets the stack pointer be exported, for the roots of a leak scan.
    '-mmutable-globals',
    `-fdebug-compilation-dir=${path.dirname(source)}`,
    '-fdiagnostics-absolute-paths',
    '-fno-color-diagnostics',
    '-Wno-unused-command-line-argument',
  ];
}

/** setjmp and longjmp through WebAssembly exceptions, in the encoding that Node 20 runs. */
export const SETJMP_FLAGS = ['-mllvm', '-wasm-enable-sjlj'];

/** Whether C++ may throw: unless the caller has switched it off. */
export function hasExceptions(flags: readonly string[]): boolean {
  const last = flags.findLast((flag) => /^-f(?:no-)?(?:wasm-|cxx-)?exceptions$/.test(flag));
  return last === undefined || !last.startsWith('-fno-');
}

/**
 * C++ over WASI: exceptions through WebAssembly's own, in the encoding that Node 20 runs. With them, <setjmp.h> no longer
 * asks for its flag.
 */
export function wasiCxxFlags(flags: readonly string[]): string[] {
  return hasExceptions(flags) ? ['-fwasm-exceptions', '-mllvm', '-wasm-enable-sjlj'] : ['-fno-exceptions'];
}

/**
 * What wasi-libc emulates when it is asked to: signals that a program raises itself, memory that is mapped, processor
 * time (which is elapsed time) and a process id. Without the macro the header is an error, and nothing is linked of a
 * library that nothing calls.
 */
const EMULATIONS: Readonly<Record<string, string>> = {
  _WASI_EMULATED_SIGNAL: 'wasi-emulated-signal',
  _WASI_EMULATED_MMAN: 'wasi-emulated-mman',
  _WASI_EMULATED_PROCESS_CLOCKS: 'wasi-emulated-process-clocks',
  _WASI_EMULATED_GETPID: 'wasi-emulated-getpid',
};

/** Switches the emulations on, where the sysroot has the library. */
export function emulationFlags(hasLibrary: (name: string) => boolean = () => true): string[] {
  const macros = Object.keys(EMULATIONS).filter((macro) => hasLibrary(EMULATIONS[macro]!));
  return macros.map((macro) => `-D${macro}`);
}

/** Links them. */
export function emulationLibraries(hasLibrary: (name: string) => boolean = () => true): string[] {
  return Object.values(EMULATIONS)
    .filter(hasLibrary)
    .map((name) => `-l${name}`);
}
