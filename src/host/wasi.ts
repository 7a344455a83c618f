// A WASI guest, on @wasmer/wasi: it answers for arguments, environment, clocks, random numbers, scheduling. Files,
// standard streams, poll and proc_exit are answered here, for the reasons given in wasi-files.ts. The instance is
// made here too rather than by `wasi.start()`, because a guest is entered through many functions, not one, and
// because what it throws must arrive unchanged.

import { posix } from 'node:path';
import type { WASI } from '@wasmer/wasi';
import type { WasmExports } from '../binary/wasm-types.ts';
import { InvalidArgumentError, UnsupportedModuleError } from '../errors.ts';
import { FileTree } from './file-tree.ts';
import { ExitSignal, type Guest, type GuestOptions, instantiate, type RuntimeImports } from './guest.ts';
import { wasiFiles } from './wasi-files.ts';
import { pollOneoff } from './wasi-poll.ts';

type WasmerWasi = typeof import('@wasmer/wasi');

const WASI_MODULE = 'wasi_snapshot_preview1';
/** The WASI error code for a function that the system does not have. */
const ENOSYS = 52;

let wasmer: Promise<WasmerWasi> | undefined;

/** Loads @wasmer/wasi and its own wasm, once per process, when the first guest needs it. */
function loadWasmer(): Promise<WasmerWasi> {
  wasmer ??= import('@wasmer/wasi').then(async (module) => {
    await module.init();
    return module;
  });
  return wasmer;
}

/**
 * What Wasmer is shown in place of the guest's module, because it panics at exports that it does not know, such as the tag
 * of C++ exceptions: `(module (import "wasi_snapshot_preview1" "proc_exit" (func)) (memory 0) (export "memory" (memory 0)))`.
 * It wants the module for the version of WASI and the instance for the memory.
 */
function standIn(): WebAssembly.Module {
  const text = (name: string): number[] => [name.length, ...Buffer.from(name)];
  const section = (id: number, ...bytes: number[]): number[] => [id, bytes.length, ...bytes];
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, 1, 0x60, 0, 0),
    ...section(2, 1, ...text(WASI_MODULE), ...text('proc_exit'), 0x00, 0),
    ...section(5, 1, 0x00, 0),
    ...section(7, 1, ...text('memory'), 0x02, 0),
  ];
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

/** An instance of that, with the guest's memory. */
function standInInstance(memory: WebAssembly.Memory): WebAssembly.Instance {
  return Object.create(WebAssembly.Instance.prototype, { exports: { value: { memory } } });
}

/** Instantiates a module whose system interface, if it has one, is WASI. */
export async function openWasiGuest(
  module: WebAssembly.Module,
  options: GuestOptions,
  runtime: RuntimeImports,
): Promise<Guest> {
  const wanted = WebAssembly.Module.imports(module);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  const tree = new FileTree();
  for (const [path, contents] of options.files) {
    try {
      tree.writeFile(path, contents);
    } catch (error) {
      throw new InvalidArgumentError('files', (error as Error).message);
    }
  }

  let wasi: WASI | null = null;
  let memory: WebAssembly.Memory | null = null;
  const memoryNow = (): WebAssembly.Memory => {
    if (memory !== null) return memory;
    throw new UnsupportedModuleError(
      'The start function of the module calls WASI, which knows no memory before the module is instantiated: ' +
        'let _initialize or main do that.',
    );
  };
  if (wanted.some((entry) => entry.module === WASI_MODULE)) {
    const files = wasiFiles(tree, memoryNow, options.stdin, options.stdout, options.stderr);
    // Advice is taken for any descriptor that is open, and does nothing.
    const statusOf = files.fd_advise as (fd: number) => number;
    const own = {
      ...files,
      poll_oneoff: pollOneoff(memoryNow, statusOf),
      proc_exit: (code: number) => {
        throw new ExitSignal(code | 0);
      },
    };
    imports[WASI_MODULE] = own;
    // Many programs want nothing but files and an exit: then Wasmer's part is not worth the 30 ms of loading it.
    if (wanted.some((entry) => entry.module === WASI_MODULE && !Object.hasOwn(own, entry.name))) {
      const { WASI } = await loadWasmer();
      wasi = new WASI({ args: [options.programName, ...options.args], env: { ...options.env } });
      const theirs = wasi.getImports(standIn()) as Record<string, Record<string, WebAssembly.ImportValue>>;
      imports[WASI_MODULE] = { ...theirs[WASI_MODULE], ...own };
    }
    for (const entry of wanted) {
      if (entry.module === WASI_MODULE && entry.kind === 'function') {
        imports[WASI_MODULE]![entry.name] ??= () => ENOSYS;
      }
    }
  }
  imports.heapline = { ...runtime };
  for (const [name, values] of Object.entries(options.imports)) {
    imports[name] = { ...imports[name], ...(values as Record<string, WebAssembly.ImportValue>) };
  }

  try {
    const instance = instantiate(module, imports);
    const { exports } = instance;
    if (!(exports.memory instanceof WebAssembly.Memory)) {
      throw new UnsupportedModuleError('The module does not export its memory under the name "memory".');
    }
    memory = exports.memory;
    wasi?.instantiate(standInInstance(memory), undefined);
    options.instantiated(exports);
    return new WasiGuest(exports, memory, wasi, tree);
  } catch (error) {
    try {
      wasi?.free();
    } catch {
      // After a panic of its own it cannot be freed; what it panicked about says more.
    }
    throw error;
  }
}

class WasiGuest implements Guest {
  constructor(
    readonly exports: WasmExports,
    readonly memory: WebAssembly.Memory,
    private wasi: WASI | null,
    private readonly tree: FileTree,
  ) {}

  get hasMain(): boolean {
    return '__main_void' in this.exports || '_start' in this.exports;
  }

  initialize(): void {
    (this.exports._initialize as (() => void) | undefined)?.();
  }

  runMain(returned: () => void): number {
    const { _start, __main_void, __wrap_exit, __wasm_call_dtors } = this.exports as Record<
      string,
      ((code?: number) => number) | undefined
    >;
    if (__main_void === undefined) {
      _start!();
      returned();
      return 0;
    }
    const exitCode = __main_void();
    returned();
    // Runs the atexit functions, flushes stdio, and does not return: it ends in proc_exit.
    if (__wrap_exit !== undefined) __wrap_exit(exitCode);
    __wasm_call_dtors?.();
    return exitCode;
  }

  readFile(path: string): Uint8Array | null {
    return this.tree.readFile(posix.resolve('/', path));
  }

  dispose(): void {
    this.wasi?.free();
    this.wasi = null;
  }
}
