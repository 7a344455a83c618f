// A WASI guest, on @wasmer/wasi: it keeps arguments, environment, clocks, random numbers and a file system that
// exists only in memory. The instance is made here rather than by `wasi.start()`, because a guest is entered
// through many functions, not one, and because what it throws must arrive unchanged.
//
// What of version 1.2.2 has to be put right at the import boundary is in wasi-repairs.ts, with the reasons.

import { posix } from 'node:path';
import type { MemFS, WASI } from '@wasmer/wasi';
import { UnsupportedModuleError } from '../errors.ts';
import { ExitSignal, type Guest, type GuestOptions, type RuntimeImports } from './guest.ts';
import { repairWasi, type WasiFunctions } from './wasi-repairs.ts';

type WasmerWasi = typeof import('@wasmer/wasi');

const WASI_MODULES = new Set(['wasi_snapshot_preview1', 'wasi_unstable']);
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

/** Instantiates a module whose system interface, if it has one, is WASI. Its constructors have run. */
export async function openWasiGuest(
  module: WebAssembly.Module,
  options: GuestOptions,
  runtime: RuntimeImports,
): Promise<Guest> {
  const wanted = WebAssembly.Module.imports(module);
  const usesWasi = wanted.some((entry) => WASI_MODULES.has(entry.module));
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};

  let wasi: WASI | null = null;
  let memory: WebAssembly.Memory | null = null;
  if (usesWasi) {
    const { WASI } = await loadWasmer();
    wasi = new WASI({
      args: [options.programName, ...options.args],
      env: { ...options.env },
      preopens: { '/': '/' },
    });
    for (const [path, contents] of options.files) writeFile(wasi.fs, path, contents);
    wasi.setStdinBuffer(options.stdin);
    const offered = wasi.getImports(module) as Record<string, WasiFunctions>;
    for (const [name, functions] of Object.entries(offered)) {
      imports[name] = {
        ...repairWasi(functions, () => memory!, options.stdout, options.stderr),
        proc_exit: (code: number) => {
          throw new ExitSignal(code | 0);
        },
      };
    }
    for (const entry of wanted) {
      if (entry.kind === 'function' && WASI_MODULES.has(entry.module)) {
        imports[entry.module] ??= {};
        imports[entry.module]![entry.name] ??= () => ENOSYS;
      }
    }
  }
  imports.heapline = { ...runtime };
  for (const [name, values] of Object.entries(options.imports)) {
    imports[name] = { ...imports[name], ...values };
  }
  refuseMissing(wanted, imports);

  const instance = new WebAssembly.Instance(module, imports);
  const { exports } = instance;
  if (!(exports.memory instanceof WebAssembly.Memory)) {
    wasi?.free();
    throw new UnsupportedModuleError('The module does not export its memory under the name "memory".');
  }
  memory = exports.memory;
  wasi?.instantiate(instance, undefined);
  options.instantiated(exports);
  return new WasiGuest(exports, memory, wasi, options);
}

class WasiGuest implements Guest {
  constructor(
    readonly exports: WebAssembly.Exports,
    readonly memory: WebAssembly.Memory,
    private wasi: WASI | null,
    private readonly options: GuestOptions,
  ) {}

  get hasMain(): boolean {
    return '__main_void' in this.exports || '_start' in this.exports;
  }

  initialize(): void {
    (this.exports._initialize as (() => void) | undefined)?.();
  }

  runMain(returned: () => void): number {
    const { _start, __main_void, __wasm_call_dtors } = this.exports as Record<
      string,
      (() => number) | undefined
    >;
    try {
      if (__main_void === undefined) {
        _start!();
        returned();
        return 0;
      }
      const exitCode = __main_void();
      returned();
      __wasm_call_dtors?.();
      return exitCode;
    } finally {
      this.#drain();
    }
  }

  readFile(path: string): Uint8Array | null {
    if (this.wasi === null) return null;
    try {
      const file = this.wasi.fs.open(posix.resolve('/', path), { read: true });
      try {
        return file.read();
      } finally {
        file.free();
      }
    } catch {
      return null;
    }
  }

  dispose(): void {
    this.#drain();
    this.wasi?.free();
    this.wasi = null;
  }

  // Output that a guest sent through a renumbered descriptor went to Wasmer's own pipes.
  #drain(): void {
    if (this.wasi === null) return;
    this.options.stdout.write(this.wasi.getStdoutBuffer());
    this.options.stderr.write(this.wasi.getStderrBuffer());
  }
}

function writeFile(fs: MemFS, path: string, contents: Uint8Array): void {
  let directory = '';
  for (const part of posix.dirname(path).split('/').filter(Boolean)) {
    directory += `/${part}`;
    try {
      fs.createDir(directory);
    } catch {
      // It is there already; if it is a file instead, opening the path below says so.
    }
  }
  const file = fs.open(path, { read: true, write: true, create: true, truncate: true });
  try {
    for (let at = 0; at < contents.length; ) {
      const written = file.write(contents.subarray(at));
      if (written === 0) throw new RangeError(`The in-memory file system took ${at} bytes of ${path}.`);
      at += written;
    }
  } finally {
    file.free();
  }
}

/** Throws when the module imports what nobody gives it, naming every such import. */
export function refuseMissing(
  wanted: readonly WebAssembly.ModuleImportDescriptor[],
  given: Record<string, Record<string, unknown>>,
): void {
  const missing = wanted.filter((entry) => given[entry.module]?.[entry.name] === undefined);
  if (missing.length === 0) return;
  const names = missing.map((entry) => `${entry.module}.${entry.name} (${entry.kind})`).join(', ');
  throw new UnsupportedModuleError(
    `The module imports what Heapline does not provide: ${names}. Give it in the option "imports".`,
  );
}
