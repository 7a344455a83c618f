// The part of WASI that @wasmer/wasi implements for guests in Node.js: arguments, environment, clocks, random numbers
// and scheduling.

import type { MoreWasi } from '../platform/index.ts';

type WasmerWasi = typeof import('@wasmer/wasi');

let wasmer: Promise<WasmerWasi> | undefined;

/** Loads @wasmer/wasi and its own wasm, once per process, when the first guest needs it. */
function loadWasmer(): Promise<WasmerWasi> {
  wasmer ??= import('@wasmer/wasi').then(async (module) => {
    await module.init();
    return module;
  });
  return wasmer;
}

/** @param args the program's name and its arguments */
export async function moreWasi(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<MoreWasi> {
  const { WASI } = await loadWasmer();
  const wasi = new WASI({ args: [...args], env: { ...env } });
  const imports = wasi.getImports(standIn()) as Record<string, MoreWasi['functions']>;
  return {
    functions: imports[WASI_MODULE]!,
    start: (memory) => void wasi.instantiate(standInInstance(memory), undefined),
    dispose: () => wasi.free(),
  };
}

const WASI_MODULE = 'wasi_snapshot_preview1';

/**
 * A module that Wasmer sees in place of the guest's, because it panics at exports that it does not know, such as the
 * tag of C++ exceptions: `(module (import "wasi_snapshot_preview1" "proc_exit" (func)) (memory 0) (export "memory"
 * (memory 0)))`. Wasmer reads the version of WASI from the module and takes the memory from the instance.
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

/** An instance of the stand-in with the guest's memory. */
function standInInstance(memory: WebAssembly.Memory): WebAssembly.Instance {
  return Object.create(WebAssembly.Instance.prototype, { exports: { value: { memory } } });
}
