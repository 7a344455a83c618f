// Runs a linked module by the contract in src/compile/link.ts, without Heapline's host and without instrumentation:
// node:wasi runs WASI modules, Emscripten's glue runs the others. This is an independent check of that contract.

import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { WASI } from 'node:wasi';
import type { CompiledModule } from '../../src/compile/index.ts';

export interface Outcome {
  readonly stdout: string;
  readonly exitCode: number;
  /** Codes with which the module called the import heapline.exiting. */
  readonly exiting: readonly number[];
}

type Exports = Record<string, (...args: number[]) => number>;

function runtimeImports(exiting: number[]) {
  return {
    host_stack: () => 0,
    fault: () => {},
    point: () => 0,
    exiting: (code: number) => void exiting.push(code),
  };
}

async function openWasi(compiled: CompiledModule, args: readonly string[], exiting: number[]) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-run-'));
  const output = path.join(directory, 'stdout');
  const wasi = new WASI({
    version: 'preview1',
    args: ['program', ...args],
    stdout: openSync(output, 'w'),
    returnOnExit: true,
  });
  const { instance } = await WebAssembly.instantiate(compiled.wasm as BufferSource, {
    ...(wasi.getImportObject() as WebAssembly.Imports),
    heapline: runtimeImports(exiting),
  });
  wasi.initialize(instance);
  return {
    exports: instance.exports as unknown as Exports,
    main: () => (instance.exports as unknown as Exports)[compiled.main!]!(),
    stdout: () => {
      const text = readFileSync(output, 'utf8');
      rmSync(directory, { recursive: true });
      return text;
    },
  };
}

async function openEmscripten(compiled: CompiledModule, args: readonly string[], exiting: number[]) {
  let stdout = '';
  let exports: Exports = {};
  const exported: { exports: unknown } = { exports: {} };
  new Function('module', 'exports', 'require', '__filename', '__dirname', compiled.glue!)(
    exported,
    exported.exports,
    createRequire(import.meta.url),
    '/module.js',
    '/',
  );
  const create = exported.exports as (module: object) => Promise<object>;
  await create({
    print: (line: string) => {
      stdout += `${line}\n`;
    },
    quit: (_status: number, toThrow: unknown) => {
      throw toThrow;
    },
    instantiateWasm: (
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ) => {
      const module = new WebAssembly.Module(compiled.wasm as BufferSource);
      const instance = new WebAssembly.Instance(module, { ...imports, heapline: runtimeImports(exiting) });
      exports = instance.exports as unknown as Exports;
      done(instance, module);
      return instance.exports;
    },
  });
  const main = () => {
    const memory = (exports as unknown as { memory: WebAssembly.Memory }).memory;
    // Since about 3.1.60 the export has the first of these names.
    const stackAlloc = (exports._emscripten_stack_alloc ?? exports.stackAlloc)!;
    const words = ['program', ...args].map((word) => {
      const bytes = Buffer.from(`${word}\0`);
      const address = stackAlloc(bytes.length);
      new Uint8Array(memory.buffer).set(bytes, address);
      return address;
    });
    const argv = stackAlloc(4 * (words.length + 1));
    for (const [i, word] of [...words, 0].entries())
      new DataView(memory.buffer).setUint32(argv + 4 * i, word, true);
    return exports[compiled.main!]!(words.length, argv);
  };
  return { exports, main, stdout: () => stdout };
}

function open(compiled: CompiledModule, args: readonly string[], exiting: number[]) {
  return compiled.glue === null ? openWasi(compiled, args, exiting) : openEmscripten(compiled, args, exiting);
}

/**
 * Reads the exit code from an error: node:wasi and Emscripten end a program with an exception that carries the code.
 */
function exitCodeOf(error: unknown): number {
  const { status, name } = error as { status?: number; name?: string };
  if (name === 'ExitStatus' && typeof status === 'number') return status;
  // node:wasi throws a symbol and does not tell the code.
  if (typeof error === 'symbol') return Number.NaN;
  throw error;
}

/** Runs main and then the end of the program, libc's part included. */
export async function runMain(compiled: CompiledModule, args: readonly string[] = []): Promise<Outcome> {
  const exiting: number[] = [];
  const program = await open(compiled, args, exiting);
  let exitCode = Number.NaN;
  try {
    exitCode = program.main();
    program.exports.__wrap_exit!(exitCode);
  } catch (error) {
    const code = exitCodeOf(error);
    exitCode = Number.isNaN(code) ? exiting.at(-1)! : code;
  }
  return { stdout: program.stdout(), exitCode, exiting };
}

/** The exports of a started module whose main is not needed. */
export async function openLibrary(compiled: CompiledModule): Promise<Exports> {
  return (await open(compiled, [], [])).exports;
}
