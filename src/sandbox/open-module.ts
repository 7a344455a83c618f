// From the bytes of a module that was linked with the runtime to a sandbox: instrument, unless that was done before,
// and instantiate.

import { basename } from '../algorithms/posix-path.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { RecordOnly } from '../graft/index.ts';
import { openInstrumented } from '../instrument/instrumented-module.ts';
import { isObject, isText, rule, textList, textNotEmpty } from '../options/option-rules.ts';
import { type OptionTable, readOptions } from '../options/option-table.ts';
import type { SymbolizerOptions } from '../symbols/index.ts';
import { checkRoom, loadRoom } from './asked-room.ts';
import { loadShapes } from './module-wrappers.ts';
import { type OpenGuest, openSandbox } from './open-sandbox.ts';
import { prepareModule, prepareModuleOnce } from './prepared-module.ts';
import type { GuestExports, GuestTypes, Sandbox } from './sandbox.ts';
import { checksOf, recordOnly, SANDBOX_OPTIONS, type SandboxOptions } from './sandbox-options.ts';

/** Options of a sandbox that is opened from the bytes of a module. */
export interface ModuleOptions extends SandboxOptions {
  /** Name of the module in profiles; the file's name by default. */
  readonly name?: string;
  /** Bytes of a module that holds the debug information of this one. */
  readonly debugInfo?: Uint8Array;
  /** Source map of the module: JSON text or object. */
  readonly sourceMap?: string | object;
  /** Functions to offer; all exported ones by default. */
  readonly exports?: readonly string[];
  /**
   * Whether a module that was linked without the runtime keeps its own allocator, so that its blocks are recorded but bad
   * frees are not judged: `'if-needed'`, the default, when the allocator cannot be replaced; `'never'`, so that such a
   * module is rejected; or `'always'`.
   */
  readonly recordOnly?: RecordOnly;
  /**
   * Reject the module unless it was compiled with room around variables on the stack and global variables, so that checks of
   * accesses find what misses them. By default, they look at the room that there is.
   */
  readonly stack?: true;
}

/** The table of these options. */
export const MODULE_OPTIONS = {
  ...SANDBOX_OPTIONS,
  name: textNotEmpty(),
  debugInfo: rule((value) => value instanceof Uint8Array, 'a Uint8Array'),
  sourceMap: rule((value) => isText(value) || isObject(value), 'JSON text or an object'),
  exports: textList('an array of names'),
  recordOnly,
  stack: rule<true>(
    (value) => value === true,
    'true, or left out: accesses beside variables are checked wherever a module has room around them',
  ),
} satisfies OptionTable<ModuleOptions>;

/**
 * A copy of the caller's bytes, made before this package waits for anything: the caller may go on to transfer them to
 * a worker, or to write over them. Null for anything else.
 */
export function ownBytes(argument: string, source: unknown): Uint8Array | null {
  if (source instanceof Uint8Array) return new Uint8Array(source);
  if (!(source instanceof ArrayBuffer)) return null;
  try {
    return new Uint8Array(source.slice(0));
  } catch (cause) {
    throw new InvalidArgumentError(
      argument,
      'The ArrayBuffer given to loadWasm() has been transferred: pass it where it went, or transfer a copy.',
      { cause },
    );
  }
}

/** Where the symbols of a module come from. The caller's debug information is copied, like the module. */
export function symbolOptionsOf({ debugInfo, sourceMap }: ModuleOptions): SymbolizerOptions {
  return {
    ...(debugInfo === undefined ? {} : { debugInfo: new Uint8Array(debugInfo) }),
    ...(sourceMap === undefined ? {} : { sourceMap }),
  };
}

/** A module and where it was found. */
export interface ModuleSource {
  /** The sandbox owns these bytes from now on. */
  readonly bytes: Uint8Array;
  /** Path of the module's file; null when the caller gave bytes. */
  readonly path: string | null;
  readonly symbolOptions: SymbolizerOptions;
  /** `argv[0]`; the name of the module without its suffix by default. */
  readonly programName?: string;
  /** Nobody opens this module again in this process, so it is not kept for others. */
  readonly once?: true;
}

/** Opens a sandbox of a module. @param openGuest for a module whose system interface is not WASI */
export async function openModule<Exports extends object, Types extends object = GuestTypes>(
  { bytes, path, symbolOptions, programName, once }: ModuleSource,
  options: ModuleOptions,
  openGuest?: OpenGuest,
): Promise<Sandbox<Exports, Types>> {
  const instrumented = openInstrumented(bytes);
  if (instrumented !== null && options.maxMemory !== undefined) {
    throw new InvalidArgumentError(
      'maxMemory',
      'The module is instrumented already, and its memory limit with it: give maxMemory to `heapline instrument`.',
    );
  }
  await loadRoom(options);
  checkRoom(bytes, options);
  const { access } = checksOf(options);
  const prepare = once ? prepareModuleOnce : prepareModule;
  const name = options.name ?? (path === null ? 'module.wasm' : basename(path.replaceAll('\\', '/')));
  const module = await prepare(bytes, options.maxMemory, {
    access,
    instrumented,
    onProgress: options.onProgress,
    name,
    ...(options.recordOnly === undefined ? {} : { recordOnly: options.recordOnly }),
  });
  return openSandbox<Exports, Types>(
    {
      module,
      symbolOptions:
        instrumented === null
          ? symbolOptions
          : {
              ...symbolOptions,
              bodies: instrumented.bodies,
              codeStart: instrumented.originalCodeStart,
            },
      name,
      path: path ?? options.name ?? 'module.wasm',
      toolchain: null,
      warnings: [],
      comments: module.instrumented.notes,
      names: options.exports ?? null,
      ...(programName === undefined ? {} : { programName }),
    },
    options,
    openGuest,
  );
}

/**
 * Opens a sandbox of a module that was linked with the runtime, instrumented already or not. The module's system
 * interface is WASI, or it has none.
 * @param bytes the module
 */
export async function loadBytes<Exports extends object = GuestExports, Types extends object = GuestTypes>(
  bytes: Uint8Array | ArrayBuffer,
  options: ModuleOptions = {},
): Promise<Sandbox<Exports, Types>> {
  const settings: ModuleOptions = readOptions('loadWasm', options, MODULE_OPTIONS);
  const symbolOptions = symbolOptionsOf(settings);
  const own = ownBytes('bytes', bytes);
  if (own === null) throw new InvalidArgumentError('bytes', 'loadWasm() takes the bytes of a module.');
  const source = { bytes: own, path: null, symbolOptions };
  const [sandbox] = await Promise.all([openModule<Exports, Types>(source, settings), loadShapes()]);
  return sandbox;
}
