// The two ways to a sandbox: from C sources (compile, instrument, instantiate) and from a module that was linked
// with the runtime. Options are checked here, once, so that a typing error in JavaScript is an error with a name.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fromRoot } from '../algorithms/posix-path.ts';
import type { WasmImports } from '../binary/wasm-types.ts';
import {
  COMPILE_OPTIONS,
  type CompiledModule,
  type CompileOptions,
  compile,
  gluePath,
} from '../compile/index.ts';
import { type Diagnostic, FileError, InvalidArgumentError } from '../errors.ts';
import type { HeapFault } from '../frames/heap-fault.ts';
import {
  type Gate,
  Input,
  type InputReader,
  Output,
  openEmscriptenGuest,
  openWasiGuest,
} from '../host/index.ts';
import { openInstrumented } from '../instrument/index.ts';
import { pathOf } from '../node/file-url.ts';
import { checkOptionNames } from '../options/option-names.ts';
import { type PreparedModule, prepareModule } from '../sandbox/prepared-module.ts';
import { type GuestExports, type HostFrames, Sandbox, type SandboxParts } from '../sandbox/sandbox.ts';
import type { SymbolizerOptions } from '../symbols/index.ts';

/** What a guest may see, and how its heap is watched. */
export interface SandboxOptions {
  /** Arguments of the program, without its name. */
  readonly args?: readonly string[];
  /** The guest's whole environment; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The guest's standard input, or a function that gives the next bytes: any number up to the one it is called with,
   * null or none at the end. By default there is none.
   */
  readonly stdin?: string | Uint8Array | InputReader;
  /** Files by absolute path; the guest has no others. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * Most bytes of linear memory; beyond it `malloc` returns NULL. Whole pages of 64 KiB. With Emscripten more than
   * 2 GiB takes `link: ['-sMAXIMUM_MEMORY=4GB']`, less than 16 MiB `-sINITIAL_MEMORY=`; `auto` uses another toolchain
   * then.
   */
  readonly maxMemory?: number;
  /** Functions that the guest imports, by module and name. They may call back into the guest. */
  readonly imports?: WasmImports;
  /** Whether allocations show the JavaScript that led to them. Default `'allocating'`: all do. */
  readonly hostFrames?: HostFrames;
  /** Remember where each block is freed, for the third stack of a double free. Default true. */
  readonly freeStacks?: boolean;
  /** Bad frees: write them down and ignore the call (`'record'`, the default), or stop the guest there. */
  readonly onError?: 'record' | 'throw';
  /** Called at each bad free. */
  readonly onFault?: (fault: HeapFault) => void;
  /**
   * Called when the guest has ended itself: its program is over, or one of its functions has called `exit`, be it in a
   * timer that no call of yours waits for. Nothing of the guest runs by itself from then on.
   */
  readonly onExit?: (exitCode: number) => void;
  /**
   * Called when a timer or the main loop of the guest was stopped by an error, such as a TrapError. Nothing of the guest
   * runs by itself from then on. Without it, and without a call of `finished()` that waits, the error is an uncaught
   * exception.
   */
  readonly onCallbackError?: (error: unknown) => void;
  /** Sees the guest's output as it is written. The guest cannot be called from here. */
  readonly onStdout?: (bytes: Uint8Array) => void;
  readonly onStderr?: (bytes: Uint8Array) => void;
}

/** Options of loadC(): how to compile, and what the guest may see. */
export interface LoadCOptions extends SandboxOptions, CompileOptions {}

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

const SANDBOX_OPTIONS = [
  'args',
  'env',
  'stdin',
  'files',
  'maxMemory',
  'imports',
  'hostFrames',
  'freeStacks',
  'onError',
  'onFault',
  'onExit',
  'onCallbackError',
  'onStdout',
  'onStderr',
] as const satisfies readonly (keyof SandboxOptions)[];
const WASM_OPTIONS = [
  'name',
  'glue',
  'debugInfo',
  'sourceMap',
  'exports',
] as const satisfies readonly (keyof LoadWasmOptions)[];

const PAGE = 0x10000;
const LARGEST_MEMORY = 2 ** 32;

/**
 * Compiles C sources and opens a sandbox of the result.
 * @param sources one C file, or several that are linked into one module: paths, or file: URLs
 */
export async function loadC<Exports extends object = GuestExports>(
  sources: string | URL | readonly (string | URL)[],
  options: LoadCOptions = {},
): Promise<Sandbox<Exports>> {
  const { compiled, files } = await compileC('loadC', sources, options);
  const path = resolve(files[0]!);
  const prepared = await prepareModule(compiled.wasm, options.maxMemory);
  return open<Exports>(prepared, options, {
    symbolOptions: {},
    name: basename(path),
    path,
    toolchain: compiled.toolchain,
    warnings: compiled.warnings.map(formatDiagnostic),
    comments: [`toolchain: ${compiled.toolchain.name} (${compiled.toolchain.version})`],
    glue: compiled.glue,
    names: exportsOf(compiled),
  });
}

/** What `loadC()` opens a sandbox of. @param caller named in messages */
export async function compileC(
  caller: string,
  sources: string | URL | readonly (string | URL)[],
  options: LoadCOptions,
): Promise<{ readonly compiled: CompiledModule; readonly files: readonly string[] }> {
  checkOptions(caller, options, [...SANDBOX_OPTIONS, ...COMPILE_OPTIONS]);
  const named: unknown = typeof sources === 'string' || sources instanceof URL ? [sources] : sources;
  if (!isFileList(named)) {
    throw new InvalidArgumentError(
      'sources',
      `${caller}() takes the path of a C file, or its file: URL, or an array of such.`,
    );
  }
  const files = named.map((file) => pathOf('sources', file));
  const compileOptions: Record<string, unknown> = {};
  for (const name of COMPILE_OPTIONS) if (options[name] !== undefined) compileOptions[name] = options[name];
  return { compiled: await compile(files, compileOptions as CompileOptions, options), files };
}

/**
 * Opens a sandbox of a module that was linked with the runtime, instrumented already or not.
 * @param bytesOrPath the module, or its file: a path, or a file: URL
 */
export async function loadWasm<Exports extends object = GuestExports>(
  bytesOrPath: Uint8Array | ArrayBuffer | string | URL,
  options: LoadWasmOptions = {},
): Promise<Sandbox<Exports>> {
  checkOptions('loadWasm', options, [...SANDBOX_OPTIONS, ...WASM_OPTIONS]);
  checkWasmOptions(options);
  const debugInfo = options.debugInfo && new Uint8Array(options.debugInfo);
  const { bytes, path } = await readBytes(bytesOrPath);
  const instrumented = openInstrumented(bytes);
  if (instrumented !== null && options.maxMemory !== undefined) {
    throw new InvalidArgumentError(
      'maxMemory',
      'The module is instrumented already, and its memory limit with it: give maxMemory to `heapline instrument`.',
    );
  }
  const prepared = await prepareModule(bytes, options.maxMemory, instrumented);
  return open<Exports>(prepared, options, {
    symbolOptions: {
      ...(debugInfo === undefined ? {} : { debugInfo }),
      ...(options.sourceMap === undefined ? {} : { sourceMap: options.sourceMap as string }),
      ...(instrumented === null
        ? {}
        : { bodies: instrumented.bodies, codeStart: instrumented.originalCodeStart }),
    },
    name: options.name ?? (path === null ? 'module.wasm' : basename(path)),
    path: path ?? options.name ?? 'module.wasm',
    toolchain: null,
    warnings: [],
    comments: [],
    glue: options.glue ?? (path === null ? null : await glueBeside(path)),
    names: options.exports ?? null,
  });
}

interface Source extends Pick<SandboxParts, 'name' | 'path' | 'toolchain' | 'warnings' | 'comments'> {
  readonly symbolOptions: SymbolizerOptions;
  readonly glue: string | null;
  /** Names to offer; null for all. */
  readonly names: readonly string[] | null;
}

function open<Exports extends object>(
  prepared: PreparedModule,
  options: SandboxOptions,
  source: Source,
): Promise<Sandbox<Exports>> {
  const { glue, names, symbolOptions, ...rest } = source;
  let gate: Gate;
  const aside = <Given, Result>(listener: (given: Given) => Result): ((given: Given) => Result) => {
    return (given) => gate.aside(() => listener(given));
  };
  const stdout = new Output(options.onStdout && aside(options.onStdout));
  const stderr = new Output(options.onStderr && aside(options.onStderr));
  return Sandbox.open<Exports>({
    ...rest,
    module: prepared,
    symbols: prepared.symbols(symbolOptions),
    functions: prepared.functions(names),
    stdout,
    stderr,
    hostFrames: options.hostFrames ?? 'allocating',
    freeContexts: options.freeStacks ?? true,
    onError: options.onError ?? 'record',
    onFault: options.onFault,
    onExit: options.onExit,
    onCallbackError: options.onCallbackError,
    instantiate(runtime, entrance, loop, instantiated) {
      gate = entrance;
      const { stdin = '' } = options;
      const guestOptions = {
        args: options.args ?? [],
        programName: source.name.replace(/\.[^.]+$/, ''),
        env: options.env ?? {},
        stdin: new Input(typeof stdin === 'function' ? aside(stdin) : toBytes(stdin)),
        files: new Map(
          Object.entries(options.files ?? {}).map(([path, contents]) => [fromRoot(path), toBytes(contents)]),
        ),
        stdout,
        stderr,
        imports: options.imports ?? {},
        instantiated,
      };
      return glue === null
        ? openWasiGuest(prepared.module, guestOptions, runtime)
        : openEmscriptenGuest(prepared.module, glue, guestOptions, runtime, gate, loop);
    },
  });
}

function exportsOf(compiled: CompiledModule): readonly string[] {
  return compiled.exports.filter((name) => name !== 'main');
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

async function readBytes(
  source: Uint8Array | ArrayBuffer | string | URL,
): Promise<{ bytes: Uint8Array; path: string | null }> {
  // Copied before anything is waited for: the caller may go on to transfer them to a worker, or to write over them.
  if (source instanceof Uint8Array) return { bytes: new Uint8Array(source), path: null };
  if (source instanceof ArrayBuffer) return { bytes: copyOf(source), path: null };
  if ((typeof source !== 'string' || source === '') && !(source instanceof URL)) {
    throw new InvalidArgumentError(
      'bytesOrPath',
      'loadWasm() takes the bytes of a module, or the path of its file, or its file: URL.',
    );
  }
  const path = resolve(pathOf('bytesOrPath', source));
  try {
    return { bytes: await readFile(path), path };
  } catch (error) {
    throw new FileError(
      String(source),
      `Cannot read the module ${String(source)}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/** JavaScript of the module in this file, as `heapline build` writes it; null when there is none. */
async function glueBeside(path: string): Promise<string | null> {
  const glue = gluePath(path);
  if (!existsSync(glue)) return null;
  try {
    return await readFile(glue, 'utf8');
  } catch (error) {
    throw new FileError(glue, `Cannot read the module's JavaScript ${glue}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function toBytes(contents: string | Uint8Array): Uint8Array {
  return typeof contents === 'string' ? new TextEncoder().encode(contents) : contents;
}

function formatDiagnostic(diagnostic: Diagnostic): string {
  const { severity, file, line, column, message } = diagnostic;
  return file === null ? `${severity}: ${message}` : `${file}:${line}:${column}: ${severity}: ${message}`;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isData = (value: unknown): boolean => isText(value) || value instanceof Uint8Array;
const isFileList = (value: unknown): value is readonly (string | URL)[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((file) => (isText(file) && file !== '') || file instanceof URL);
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

function refuse(name: string, what: string): never {
  throw new InvalidArgumentError(name, `The option ${name} must be ${what}.`);
}

function checkWasmOptions({ name, glue, debugInfo, sourceMap, exports }: LoadWasmOptions): void {
  if (name !== undefined && (!isText(name) || name === '')) refuse('name', 'a string that is not empty');
  if (glue !== undefined && !isText(glue)) refuse('glue', "a string, the glue's JavaScript");
  if (debugInfo !== undefined && !(debugInfo instanceof Uint8Array)) refuse('debugInfo', 'a Uint8Array');
  if (sourceMap !== undefined && !isText(sourceMap) && !isObject(sourceMap)) {
    refuse('sourceMap', 'JSON text or an object');
  }
  if (exports !== undefined && !(Array.isArray(exports) && exports.every(isText))) {
    refuse('exports', 'an array of names');
  }
}

function checkOptions(caller: string, options: SandboxOptions, known: readonly string[]): void {
  checkOptionNames(caller, options, known);
  const { args, env, stdin, files, maxMemory, imports, hostFrames, freeStacks, onError } = options;
  if (
    args !== undefined &&
    !(Array.isArray(args) && args.every((arg) => isText(arg) && !arg.includes('\0')))
  ) {
    refuse('args', 'an array of strings without NUL characters');
  }
  if (
    env !== undefined &&
    !(
      isObject(env) &&
      Object.entries(env).every(
        ([name, value]) => name !== '' && !/[=\0]/.test(name) && isText(value) && !value.includes('\0'),
      )
    )
  ) {
    refuse('env', 'an object of strings');
  }
  if (stdin !== undefined && !isData(stdin) && typeof stdin !== 'function') {
    refuse('stdin', 'a string, a Uint8Array, or a function that gives the next bytes');
  }
  if (files !== undefined && !(isObject(files) && Object.values(files).every(isData))) {
    refuse('files', 'an object from absolute paths to strings or Uint8Arrays');
  }
  for (const path of Object.keys(files ?? {})) {
    if (!path.startsWith('/') || path.endsWith('/') || path.includes('\0')) {
      refuse(
        'files',
        `an object from absolute paths to contents; '${path}' is not the absolute path of a file`,
      );
    }
  }
  if (
    maxMemory !== undefined &&
    !(Number.isInteger(maxMemory) && maxMemory >= PAGE && maxMemory <= LARGEST_MEMORY)
  ) {
    refuse('maxMemory', `a whole number of bytes from ${PAGE} (one page) to ${LARGEST_MEMORY}`);
  }
  if (imports !== undefined && !(isObject(imports) && Object.values(imports).every(isObject))) {
    refuse('imports', 'an object of objects of functions');
  }
  if (hostFrames !== undefined && hostFrames !== 'allocating' && hostFrames !== 'off') {
    if (isObject(hostFrames)) checkOptionNames(caller, hostFrames, ['every'], 'hostFrames');
    const every: unknown = isObject(hostFrames) ? hostFrames.every : undefined;
    if (!Number.isSafeInteger(every) || (every as number) < 1) {
      refuse('hostFrames', "'allocating', 'off' or { every: N } with a whole number N from 1 on");
    }
  }
  if (freeStacks !== undefined && typeof freeStacks !== 'boolean') refuse('freeStacks', 'true or false');
  if (onError !== undefined && onError !== 'record' && onError !== 'throw') {
    refuse('onError', "'record' or 'throw'");
  }
  for (const name of ['onFault', 'onExit', 'onCallbackError', 'onStdout', 'onStderr'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') refuse(name, 'a function');
  }
}
