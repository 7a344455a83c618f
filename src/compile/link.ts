// What a linked module offers to the host. This contract is the same for WASI (clang, embedded) and Emscripten:
//
//   Exports   `memory`, `__indirect_function_table`; the runtime's functions (malloc and its family, `heapline_*`);
//             the functions that the sources define (or that `exports` names); `__wrap_exit`, `fflush`; the main
//             function when there is one, under the name in `CompiledModule.main`.
//             Immutable globals with addresses: `heapline_runtime`, `heapline_shadow`, `__data_end`, `__heap_base`
//             (and `__global_base` on WASI). Mutable global: `__stack_pointer`. Where C++ throws with WebAssembly's
//             exceptions: the tag `__cpp_exception`, `__cxa_begin_catch` and two more.
//   Imports   WASI preview 1 or Emscripten's glue, and the runtime's own imports from module `heapline`.
//   Start     WASI: the module is a reactor, and the host calls `_initialize()` once. Emscripten: the glue runs the
//             constructors but never main (INVOKE_RUN=0).
//   Main      WASI: `__main_void()` fetches the arguments itself and returns the exit code. Emscripten: the glue's
//             `callMain(args)` passes them, and knows whether timers or a main loop keep the runtime alive. Without
//             `callMain` the host calls `main(argc, argv)`, with argv built on the guest's stack.
//   Exit      `exit` is wrapped. C calls it, and the host calls the export `__wrap_exit(code)` after main has
//   returned.
//             Either call first calls the import heapline.exiting(code); nothing is torn down yet, so the host takes
//             the last profile here. Then it calls libc's exit: atexit functions, the flush of stdio, and the end of
//             the program through proc_exit (WASI) or the Module option `quit(status, toThrow)` (Emscripten; without
//             that option the glue calls process.exit). Emscripten's glue calls `onExit(status)` when its runtime
//             ends, which is later than the end of main when something keeps the runtime alive.
//   Stack     1 MiB, below the data, so that a stack overflow traps instead of overwriting data.
//   DWARF     The offsets are the linker's own, because no pass of Binaryen runs after it.
//
// WASI's default stack of 64 KiB is too small for real C programs (sqlite, duktape). One flag restores that size:
// `link: ['-Wl,-z,stack-size=65536']`.

import { readObjectSymbols } from '../binary/object-symbols.ts';
import { RUNTIME_EXPORTS } from '../runtime/index.ts';
import { emulationLibraries } from './flags.ts';
import { isCxx } from './options.ts';

/** Stack of the guest, in bytes. */
export const STACK_SIZE = 2 ** 20;
/**
 * Bytes of memory that Emscripten's modules start with by default. PAGE is the size of which memory is a multiple.
 */
const EMSCRIPTEN_MEMORY = 2 ** 24;
const PAGE = 2 ** 16;

/**
 * Exports with which the host catches C++ exceptions that leave the guest, in modules with WebAssembly exceptions.
 */
export const CXX_EXPORTS = [
  '__cpp_exception',
  '__cxa_begin_catch',
  '__cxa_end_catch',
  '__cxa_current_exception_type',
];

/** Names under which main may be defined. clang renames main according to its parameters. */
const MAIN_NAMES = ['main', '__main_void', '__main_argc_argv', '__original_main'];

/** An object on its way to the linker. */
export interface ObjectFile {
  readonly source: string;
  readonly bytes: Uint8Array;
  /** Files that were read to compile it, where they are known. */
  readonly inputs?: readonly string[];
  /** Whether it was compiled for setjmp with WebAssembly exceptions. */
  readonly setjmp: boolean;
}

/** Everything that a driver needs to link. */
export interface LinkJob {
  readonly objects: readonly ObjectFile[];
  readonly runtime: Uint8Array;
  /** The object that C++ over WASI throws and catches with; null for programs that do not throw. */
  readonly exceptions: Uint8Array | null;
  /** The caller's linker flags and files, with absolute paths. */
  readonly link: readonly string[];
  /** Functions of the sources to export. */
  readonly exports: readonly string[];
  /** Functions that the host provides to the module. */
  readonly imports: readonly HostImport[];
  readonly hasMain: boolean;
}

/** A function of the host's, under the names by which a module imports it. */
export interface HostImport {
  readonly module: string;
  readonly name: string;
}

export interface LinkResult {
  readonly wasm: Uint8Array;
  /** Emscripten's JavaScript, which the host runs. */
  readonly glue: string | null;
  /** What the linker printed. */
  readonly output: string;
}

/** Functions that an object of the caller's defines for others to call, without main. */
export function definedFunctions(object: ObjectFile): { names: string[]; hasMain: boolean } {
  const names: string[] = [];
  let hasMain = false;
  for (const symbol of readObjectSymbols(object.bytes).functions) {
    if (!symbol.defined || symbol.binding === 'local') continue;
    if (MAIN_NAMES.includes(symbol.name)) hasMain = true;
    // Weak functions in C++ are inline functions and templates out of headers.
    else if (symbol.binding === 'global' || !isCxx(object.source)) names.push(symbol.name);
  }
  return { names, hasMain };
}

/** Bytes of memory that Emscripten's modules start with. Emscripten counts the stack as part of them. */
export function initialMemory(stackSize: number | null): number {
  const larger = Math.max(0, (stackSize ?? STACK_SIZE) - STACK_SIZE);
  return Math.ceil((EMSCRIPTEN_MEMORY + larger) / PAGE) * PAGE;
}

/** Flags that set the stack to this size. They come after the caller's own flags. */
export function stackFlags(
  target: 'wasi' | 'emscripten',
  size: number | null,
  link: readonly string[],
): string[] {
  if (size === null) return [];
  if (target === 'wasi') return [`-Wl,-z,stack-size=${size}`];
  const isChosen = link.some((item) => /(?:INITIAL|TOTAL)_(?:MEMORY|HEAP)=/.test(item));
  return [`-sSTACK_SIZE=${size}`, ...(isChosen ? [] : [`-sINITIAL_MEMORY=${initialMemory(size)}`])];
}

/** wasm-ld arguments for every module, whatever its target. */
export const LINKER_ARGUMENTS: readonly string[] = [
  // Makes a stack overflow trap. By default Emscripten puts the stack above the data.
  '--stack-first',
  // wasm-ld cannot wrap a symbol that is still in an archive, so this flag fetches the symbol first.
  '--undefined=exit',
  '--wrap=exit',
];

/** wasm-ld arguments for every module over WASI; such a module is a reactor. */
export const WASI_LINKER_ARGUMENTS: readonly string[] = [
  ...LINKER_ARGUMENTS,
  `-zstack-size=${STACK_SIZE}`,
  '--export-table',
];

/** Functions by which a program says itself which leaks it knows. */
const PROGRAM_EXPORTS = ['__lsan_default_suppressions', '__lsan_is_turned_off'];

/** wasm-ld arguments that export what the host needs. */
export function exportArguments(target: 'wasi' | 'emscripten'): string[] {
  const [optional, needed] =
    target === 'wasi'
      ? [
          ['fflush', '__stack_pointer'],
          ['__heap_base', '__data_end', '__global_base'],
        ]
      : [[], ['__stack_pointer', '__heap_base', '__data_end']];
  return [
    ...[...optional, ...CXX_EXPORTS, ...PROGRAM_EXPORTS].map((name) => `--export-if-defined=${name}`),
    ...[...needed, ...RUNTIME_EXPORTS].map((name) => `--export=${name}`),
  ];
}

/** Makes wasm-ld print all of its messages instead of the first 20. */
export const ALL_MESSAGES = '--error-limit=0';

/** wasm-ld arguments that fulfil the contract, for the drivers that link with wasm-ld over WASI. */
export function wasiLinkArguments(job: LinkJob): string[] {
  return [
    ...WASI_LINKER_ARGUMENTS,
    ALL_MESSAGES,
    ...(job.hasMain ? [`--export=${WASI_MAIN}`] : []),
    ...exportArguments('wasi'),
    ...job.exports.map((name) => `--export=${name}`),
  ];
}

/** The arguments for every program that has a main, without objects and exports of its own. */
export function wasiProgramArguments(): string[] {
  return wasiLinkArguments({
    objects: [],
    runtime: new Uint8Array(),
    exceptions: null,
    link: [],
    exports: [],
    imports: [],
    hasMain: true,
  });
}

/** The function of wasi-libc that fetches the arguments and calls main. */
const WASI_MAIN = '__main_void';

/** Changes whenever these arguments or the libraries linked with them change. */
export const WASI_LINK_IDENTITY = JSON.stringify([emulationLibraries(), wasiProgramArguments()]);
