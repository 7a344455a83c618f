// The options that every way to a sandbox shares: what a guest may see, and how its heap is watched. They are checked
// here, once, so that a typing error in JavaScript is an error with a name.

import type { WasmImports } from '../binary/wasm-types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { HeapFault } from '../frames/index.ts';
import type { InputReader } from '../host/index.ts';
import { checkOptionNames } from '../options/option-names.ts';
import type { HostFrames } from './boundary.ts';

/** What a guest may see, and how its heap is watched. */
export interface SandboxOptions {
  /** Arguments of the program, without its name. */
  readonly args?: readonly string[];
  /** The guest's whole environment; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The guest's standard input, or a function that returns the next bytes: any number up to the one it is called with,
   * and null or no bytes at the end. By default the input is empty.
   */
  readonly stdin?: string | Uint8Array | InputReader;
  /** Files by absolute path; the guest has no others. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * Most bytes of linear memory, in whole pages of 64 KiB; beyond it `malloc` returns NULL. Emscripten needs
   * `link: ['-sMAXIMUM_MEMORY=4GB']` for more than 2 GiB and `-sINITIAL_MEMORY=` for less than 16 MiB; without them
   * `auto` uses another toolchain.
   */
  readonly maxMemory?: number;
  /** Functions that the guest imports, by module and name. They may call back into the guest. */
  readonly imports?: WasmImports;
  /** Whether allocations show the JavaScript that led to them. Default `'allocating'`: all do. */
  readonly hostFrames?: HostFrames;
  /** Remember where each block is freed, for the third stack of a double free. Default true. */
  readonly freeStacks?: boolean;
  /**
   * What a heap fault (a bad free or realloc) does: it is written down and the call is ignored (`'record'`, the default),
   * or it stops the guest there (`'throw'`).
   */
  readonly onError?: 'record' | 'throw';
  /** Called at each heap fault. */
  readonly onFault?: (fault: HeapFault) => void;
  /**
   * Called when the guest has ended itself: its program is over, or one of its functions has called `exit`, perhaps in a
   * timer that no call of yours waits for. Nothing of the guest runs by itself from then on.
   */
  readonly onExit?: (exitCode: number) => void;
  /**
   * Called when a timer or the main loop of the guest was stopped by an error, such as a TrapError. Nothing of the guest
   * runs by itself from then on. Without this option, and without a call of `finished()` that waits, the error is an
   * uncaught exception.
   */
  readonly onCallbackError?: (error: unknown) => void;
  /** Sees what the guest writes to its standard output, as it is written. The guest cannot be called from here. */
  readonly onStdout?: (bytes: Uint8Array) => void;
  /** Sees what the guest writes to its standard error, as it is written. The guest cannot be called from here. */
  readonly onStderr?: (bytes: Uint8Array) => void;
}

/** Names of these options. */
export const SANDBOX_OPTIONS = [
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

const PAGE = 0x10000;
const LARGEST_MEMORY = 2 ** 32;

/** Functions that the guest's life or its heap calls. */
const LISTENERS = ['onFault', 'onExit', 'onCallbackError', 'onStdout', 'onStderr'] as const;

/**
 * Throws when an option of `caller` has a name that is not known, or when a shared option has a wrong value.
 * @param others names of the caller's own options
 */
export function checkSandboxOptions(
  caller: string,
  options: SandboxOptions,
  others: readonly string[],
): void {
  checkOptionNames(caller, options, [...SANDBOX_OPTIONS, ...others]);
  checkWorld(options);
  checkMemory(options);
  checkWatching(caller, options);
}

/** What the program may see. */
function checkWorld({ args, env, stdin, files, imports }: SandboxOptions): void {
  if (args !== undefined && !isListOf(args, isCString)) {
    reject('args', 'an array of strings without NUL characters');
  }
  if (env !== undefined && !(isObject(env) && Object.entries(env).every(isVariable))) {
    reject('env', 'an object of strings');
  }
  if (stdin !== undefined && !isContents(stdin) && typeof stdin !== 'function') {
    reject('stdin', 'a string, a Uint8Array, or a function that gives the next bytes');
  }
  if (files !== undefined && !(isObject(files) && Object.values(files).every(isContents))) {
    reject('files', 'an object from absolute paths to strings or Uint8Arrays');
  }
  for (const path of Object.keys(files ?? {})) {
    if (path.startsWith('/') && !path.endsWith('/') && !path.includes('\0')) continue;
    reject(
      'files',
      `an object from absolute paths to contents; '${path}' is not the absolute path of a file`,
    );
  }
  if (imports !== undefined && !(isObject(imports) && Object.values(imports).every(isObject))) {
    reject('imports', 'an object of objects of functions');
  }
}

function checkMemory({ maxMemory }: SandboxOptions): void {
  if (maxMemory === undefined) return;
  if (Number.isInteger(maxMemory) && maxMemory >= PAGE && maxMemory <= LARGEST_MEMORY) return;
  reject('maxMemory', `a whole number of bytes from ${PAGE} (one page) to ${LARGEST_MEMORY}`);
}

/** How the heap is watched, and who is told. */
function checkWatching(caller: string, options: SandboxOptions): void {
  const { hostFrames, freeStacks, onError } = options;
  if (hostFrames !== undefined && hostFrames !== 'allocating' && hostFrames !== 'off') {
    if (isObject(hostFrames)) checkOptionNames(caller, hostFrames, ['every'], 'hostFrames');
    const every: unknown = isObject(hostFrames) ? hostFrames.every : undefined;
    if (!Number.isSafeInteger(every) || (every as number) < 1) {
      reject('hostFrames', "'allocating', 'off' or { every: N } with a whole number N from 1 on");
    }
  }
  if (freeStacks !== undefined && typeof freeStacks !== 'boolean') reject('freeStacks', 'true or false');
  if (onError !== undefined && onError !== 'record' && onError !== 'throw') {
    reject('onError', "'record' or 'throw'");
  }
  for (const name of LISTENERS) {
    if (options[name] !== undefined && typeof options[name] !== 'function') reject(name, 'a function');
  }
}

/** Throws the error that an option has a wrong value. @param expected what it must be */
export function reject(option: string, expected: string): never {
  throw new InvalidArgumentError(option, `The option ${option} must be ${expected}.`);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function isListOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement);
}

function isContents(value: unknown): boolean {
  return isText(value) || value instanceof Uint8Array;
}

function isCString(value: unknown): boolean {
  return isText(value) && !value.includes('\0');
}

/** An environment variable that C can have. */
function isVariable([name, value]: readonly [string, unknown]): boolean {
  return name !== '' && !/[=\0]/.test(name) && isCString(value);
}
