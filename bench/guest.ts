// Runs a module for a measurement with the smallest possible host: each call of its WASI returns a constant, so host
// calls cost the same in all variants and every run is the same. The same holds for the runtime's imports. The
// library's own host is not used here; its cost is measured separately (cold start).
import { createRequire } from 'node:module';
import type { Artifact } from './build.ts';

const require = createRequire(import.meta.url);

/** errno values of WASI preview 1. */
const SUCCESS = 0;
const BADF = 8;
const NOSYS = 52;

/** A fresh instance, ready for one sample. */
export interface Guest {
  readonly instance: WebAssembly.Instance;
  readonly memory: WebAssembly.Memory;
  /** Calls the program's entry. */
  run(scale: number): number;
}

function wasiImports(memory: () => WebAssembly.Memory): WebAssembly.ModuleImports {
  const view = (): DataView => new DataView(memory().buffer);
  return {
    args_sizes_get: (count: number, size: number) => zero(view(), count, size),
    args_get: () => SUCCESS,
    environ_sizes_get: (count: number, size: number) => zero(view(), count, size),
    environ_get: () => SUCCESS,
    clock_time_get: (_id: number, _precision: bigint, at: number) => {
      view().setBigUint64(at, 1_700_000_000_000_000_000n, true);
      return SUCCESS;
    },
    clock_res_get: (_id: number, at: number) => {
      view().setBigUint64(at, 1n, true);
      return SUCCESS;
    },
    random_get: (at: number, length: number) => {
      new Uint8Array(memory().buffer, at, length).fill(42);
      return SUCCESS;
    },
    /** Drops the output, because the benchmark's programs report through their checksum. */
    fd_write: (_fd: number, vectors: number, count: number, written: number) => {
      const data = view();
      let total = 0;
      for (let i = 0; i < count; i++) total += data.getUint32(vectors + i * 8 + 4, true);
      data.setUint32(written, total, true);
      return SUCCESS;
    },
    fd_prestat_get: () => BADF,
    fd_close: () => SUCCESS,
    sched_yield: () => SUCCESS,
    proc_exit: (code: number) => {
      throw new Error(`the guest called exit(${code})`);
    },
  };
}

function zero(view: DataView, ...addresses: number[]): number {
  for (const address of addresses) view.setUint32(address, 0, true);
  return SUCCESS;
}

/** The runtime's imports: no JS stacks, and misuse of the heap ends the run. */
export const heaplineImports: WebAssembly.ModuleImports = {
  host_stack: () => 0,
  fault: (record: number) => {
    throw new Error(`heap fault recorded at ${record}`);
  },
  point: () => 0,
  exiting: () => {},
};

/** A compiled module. All instances share its tiered-up code. */
export interface Runnable {
  open(): Guest;
}

export function runnable(
  bytes: Uint8Array,
  artifact: Artifact,
  entry: string,
  extraImports: WebAssembly.Imports = {},
): Runnable {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  return artifact.glue === ''
    ? { open: () => openWasi(module, entry, extraImports) }
    : { open: () => openEmscripten(module, artifact.glue, entry, extraImports) };
}

function openWasi(module: WebAssembly.Module, entry: string, extraImports: WebAssembly.Imports): Guest {
  const memory = (): WebAssembly.Memory => instance.exports.memory as WebAssembly.Memory;
  const wasi = wasiImports(memory);
  for (const { module: from, name } of WebAssembly.Module.imports(module))
    if (from === 'wasi_snapshot_preview1') wasi[name] ??= () => NOSYS;
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasi,
    heapline: heaplineImports,
    ...extraImports,
  });
  (instance.exports._initialize as (() => void) | undefined)?.();
  return { instance, memory: memory(), run: instance.exports[entry] as (scale: number) => number };
}

/** The function that Emscripten's glue passes to its instantiateWasm hook. */
interface EmscriptenOptions {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
  onRuntimeInitialized(): void;
  print(): void;
  printErr(text: string): void;
}
type EmscriptenFactory = (options: EmscriptenOptions) => unknown;

function openEmscripten(
  module: WebAssembly.Module,
  glue: string,
  entry: string,
  extraImports: WebAssembly.Imports,
): Guest {
  const createModule = require(glue) as EmscriptenFactory;
  let instance: WebAssembly.Instance | undefined;
  let ready = false;
  createModule({
    instantiateWasm(imports, done) {
      instance = new WebAssembly.Instance(module, { ...imports, heapline: heaplineImports, ...extraImports });
      done(instance);
      return instance.exports;
    },
    onRuntimeInitialized() {
      ready = true;
    },
    print() {},
    printErr() {},
  });
  // When the hook answers at once, the glue starts up without a turn of the event loop.
  if (!instance || !ready) throw new Error(`the glue ${glue} did not start its module`);
  const { exports } = instance;
  return {
    instance,
    memory: exports.memory as WebAssembly.Memory,
    run: exports[entry] as (scale: number) => number,
  };
}
