// From a module that was linked with the runtime to a sandbox: read its file and the JavaScript beside it.

import { InvalidArgumentError } from '../errors.ts';
import { text } from '../options/option-rules.ts';
import { type OptionTable, readOptions } from '../options/option-table.ts';
import {
  type GuestExports,
  type GuestTypes,
  loadShapes,
  loadViews,
  MODULE_OPTIONS,
  openModule,
  ownBytes,
  type Sandbox,
  symbolOptionsOf,
} from '../sandbox/index.ts';
import type { ModuleOptions } from '../sandbox/open-module.ts';
import { guestWithGlue } from './guest-with-glue.ts';
import { glueBeside, readModuleFile } from './module-file.ts';

/** Options of loadWasm(). */
export interface LoadWasmOptions extends ModuleOptions {
  /**
   * For a module linked by Emscripten: the text of its JavaScript, linked with -sMODULARIZE=1. By default that of the
   * .glue.js beside the module's file, when there is one, as `heapline build` writes it.
   */
  readonly glue?: string;
}

const LOAD_WASM_OPTIONS = { ...MODULE_OPTIONS, glue: text } satisfies OptionTable<LoadWasmOptions>;

/**
 * Opens a sandbox of a module that was linked with the runtime, instrumented already or not.
 * @param bytesOrPath the module, or its file: a path, or a file: URL
 */
export async function loadWasm<Exports extends object = GuestExports, Types extends object = GuestTypes>(
  bytesOrPath: Uint8Array | ArrayBuffer | string | URL,
  options: LoadWasmOptions = {},
): Promise<Sandbox<Exports, Types>> {
  const [sandbox] = await Promise.all([
    openWasm<Exports, Types>(bytesOrPath, options),
    loadViews(),
    loadShapes(),
  ]);
  return sandbox;
}

/** The same for commands, which load no code for views. */
export async function openWasm<Exports extends object = GuestExports, Types extends object = GuestTypes>(
  bytesOrPath: Uint8Array | ArrayBuffer | string | URL,
  options: LoadWasmOptions,
): Promise<Sandbox<Exports, Types>> {
  const settings: LoadWasmOptions = readOptions('loadWasm', options, LOAD_WASM_OPTIONS);
  const symbolOptions = symbolOptionsOf(settings);
  const { bytes, path } = await moduleOf(bytesOrPath);
  const glue = settings.glue ?? (path === null ? null : await glueBeside(path));
  await import('./install-store.ts');
  const source = { bytes, path, symbolOptions };
  return openModule<Exports, Types>(source, settings, await guestWithGlue(glue));
}

/** The bytes of the module, and the path of its file; null for bytes that the caller has given. */
async function moduleOf(
  source: Uint8Array | ArrayBuffer | string | URL,
): Promise<{ readonly bytes: Uint8Array; readonly path: string | null }> {
  const bytes = ownBytes('bytesOrPath', source);
  if (bytes !== null) return { bytes, path: null };
  if ((typeof source !== 'string' || source === '') && !(source instanceof URL)) {
    throw new InvalidArgumentError(
      'bytesOrPath',
      'loadWasm() takes the bytes of a module, or the path of its file, or its file: URL.',
    );
  }
  return readModuleFile('bytesOrPath', source);
}
