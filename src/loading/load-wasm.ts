// From a module that was linked with the runtime to a sandbox: instrument, unless that was done before, and instantiate.

import { basename } from 'node:path';
import { InvalidArgumentError } from '../errors.ts';
import { openInstrumented } from '../instrument/index.ts';
import { prepareModule } from '../sandbox/prepared-module.ts';
import type { GuestExports, Sandbox } from '../sandbox/sandbox.ts';
import type { SymbolizerOptions } from '../symbols/index.ts';
import { glueBeside, readModuleFile } from './module-file.ts';
import { openSandbox } from './open-sandbox.ts';
import {
  checkSandboxOptions,
  isListOf,
  isObject,
  isText,
  reject,
  type SandboxOptions,
} from './sandbox-options.ts';

/** Options of loadWasm(). */
export interface LoadWasmOptions extends SandboxOptions {
  /** Name of the module in profiles; the file's name by default. */
  readonly name?: string;
  /**
   * For a module linked by Emscripten: the text of its JavaScript, linked with -sMODULARIZE=1. By default that of the
   * .glue.js beside the module's file, when there is one, as `heapline build` writes it.
   */
  readonly glue?: string;
  /** Bytes of a module that holds the debug information of this one. */
  readonly debugInfo?: Uint8Array;
  /** Source map of the module: JSON text or object. */
  readonly sourceMap?: string | object;
  /** Functions to offer; all exported ones by default. */
  readonly exports?: readonly string[];
}

const WASM_OPTIONS = [
  'name',
  'glue',
  'debugInfo',
  'sourceMap',
  'exports',
] as const satisfies readonly (keyof LoadWasmOptions)[];

/**
 * Opens a sandbox of a module that was linked with the runtime, instrumented already or not.
 * @param bytesOrPath the module, or its file: a path, or a file: URL
 */
export async function loadWasm<Exports extends object = GuestExports>(
  bytesOrPath: Uint8Array | ArrayBuffer | string | URL,
  options: LoadWasmOptions = {},
): Promise<Sandbox<Exports>> {
  checkSandboxOptions('loadWasm', options, WASM_OPTIONS);
  checkWasmOptions(options);
  const symbolOptions = symbolOptionsOf(options);
  const { bytes, path } = await moduleOf(bytesOrPath);
  const instrumented = openInstrumented(bytes);
  if (instrumented !== null && options.maxMemory !== undefined) {
    throw new InvalidArgumentError(
      'maxMemory',
      'The module is instrumented already, and its memory limit with it: give maxMemory to `heapline instrument`.',
    );
  }
  return openSandbox<Exports>(
    {
      module: await prepareModule(bytes, options.maxMemory, instrumented),
      symbolOptions:
        instrumented === null
          ? symbolOptions
          : {
              ...symbolOptions,
              bodies: instrumented.bodies,
              codeStart: instrumented.originalCodeStart,
            },
      name: options.name ?? (path === null ? 'module.wasm' : basename(path)),
      path: path ?? options.name ?? 'module.wasm',
      toolchain: null,
      warnings: [],
      comments: [],
      glue: options.glue ?? (path === null ? null : await glueBeside(path)),
      names: options.exports ?? null,
    },
    options,
  );
}

/** The bytes of the module, and the path of its file; null for bytes that the caller has given. */
async function moduleOf(
  source: Uint8Array | ArrayBuffer | string | URL,
): Promise<{ readonly bytes: Uint8Array; readonly path: string | null }> {
  // Bytes are copied before this function waits for anything: the caller may go on to transfer them to a worker, or to
  // write over them.
  if (source instanceof Uint8Array) return { bytes: new Uint8Array(source), path: null };
  if (source instanceof ArrayBuffer) return { bytes: copyOf(source), path: null };
  if ((typeof source !== 'string' || source === '') && !(source instanceof URL)) {
    throw new InvalidArgumentError(
      'bytesOrPath',
      'loadWasm() takes the bytes of a module, or the path of its file, or its file: URL.',
    );
  }
  return readModuleFile('bytesOrPath', source);
}

function copyOf(buffer: ArrayBuffer): Uint8Array {
  try {
    return new Uint8Array(buffer.slice(0));
  } catch (cause) {
    throw new InvalidArgumentError(
      'bytesOrPath',
      'The ArrayBuffer given to loadWasm() has been transferred: pass it where it went, or transfer a copy.',
      { cause },
    );
  }
}

/** Copies the debug information, for the same reason as the module. */
function symbolOptionsOf({ debugInfo, sourceMap }: LoadWasmOptions): SymbolizerOptions {
  return {
    ...(debugInfo === undefined ? {} : { debugInfo: new Uint8Array(debugInfo) }),
    ...(sourceMap === undefined ? {} : { sourceMap }),
  };
}

function checkWasmOptions({ name, glue, debugInfo, sourceMap, exports }: LoadWasmOptions): void {
  if (name !== undefined && (!isText(name) || name === '')) reject('name', 'a string that is not empty');
  if (glue !== undefined && !isText(glue)) reject('glue', "a string, the glue's JavaScript");
  if (debugInfo !== undefined && !(debugInfo instanceof Uint8Array)) reject('debugInfo', 'a Uint8Array');
  if (sourceMap !== undefined && !isText(sourceMap) && !isObject(sourceMap)) {
    reject('sourceMap', 'JSON text or an object');
  }
  if (exports !== undefined && !isListOf(exports, isText)) reject('exports', 'an array of names');
}
