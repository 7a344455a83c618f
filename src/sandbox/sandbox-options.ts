// The options that every way to a sandbox shares: what a guest may see, and how its heap is watched. Their table
// checks them once, so that a typing error in JavaScript is an error with a name.

import type { WasmImports } from '../binary/wasm-types.ts';
import type { HeapFault } from '../frames/index.ts';
import type { InputReader } from '../host/index.ts';
import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { checkOptionNames } from '../options/option-names.ts';
import {
  callback,
  flag,
  isListOf,
  isObject,
  isText,
  numberAbove0,
  oneOf,
  rejectOption,
  rule,
  wholeNumber,
} from '../options/option-rules.ts';
import { type OptionRule, type OptionTable, withDefault, withHelp } from '../options/option-table.ts';
import { onProgress, type Progress } from '../options/progress.ts';
import type { LeakReport } from '../report/index.ts';
import type { HostFrames, HostFramesSampling } from './boundary.ts';

/** A directory of this machine that a guest may use. */
export interface PreopenedDirectory {
  /** Its path on this machine. */
  readonly path: string;
  /** Refuse all changes. Default false. */
  readonly readOnly?: boolean;
}

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
  /** Files in memory, by absolute path. The guest has no others, unless `preopens` gives it directories. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * Directories of this machine that the guest may use, by absolute path in the guest: the directory itself, not a copy.
   * Nothing outside of them can be reached. With `readOnly`, every change fails with EROFS.
   */
  readonly preopens?: Readonly<Record<string, string | PreopenedDirectory>>;
  /**
   * Most bytes of linear memory, in whole pages of 64 KiB; beyond it `malloc` returns NULL. Emscripten needs
   * `link: ['-sMAXIMUM_MEMORY=4GB']` for more than 2 GiB and `-sINITIAL_MEMORY=` for less than 16 MiB; without them
   * `auto` uses another toolchain.
   */
  readonly maxMemory?: number;
  /** Most blocks that may be in use at a time; beyond it `malloc` returns NULL. Default: no limit. */
  readonly maxBlocks?: number;
  /** Most bytes of one block; `malloc` of more returns NULL. Default: no limit. */
  readonly maxAllocation?: number;
  /**
   * Most milliseconds that a call from JavaScript into the guest may take, and starting it. Then it is stopped with a
   * TimeoutError, which has the C stack, and the guest can be called again. JavaScript that C has called is stopped too,
   * without its `finally`. Each call takes about 0.2 ms more. Browsers cannot do this. Default: no limit.
   */
  readonly timeout?: number;
  /** Functions that the guest imports, by module and name. They may call back into the guest. */
  readonly imports?: WasmImports;
  /** Whether allocations show the JavaScript that led to them. Default `'allocating'`: all do. */
  readonly hostFrames?: HostFrames;
  /** Remember where each block is freed, for the third stack of a double free. Default true. */
  readonly freeStacks?: boolean;
  /**
   * Check every access to memory: reads and writes beside blocks, in freed blocks and near address 0 are heap faults.
   * `maxMemory` limits the program's memory without the eighth of it that the checks need, and is 896 MiB when it is not
   * given. Default false.
   */
  readonly access?: boolean;
  /** All checks: `access: true` and `quarantine: 262144`, unless these options say otherwise. Default false. */
  readonly checks?: boolean;
  /**
   * How many bytes of freed blocks wait before their memory is used again, so that a second free of them is judged
   * rightly whatever was allocated meanwhile. Default 0.
   */
  readonly quarantine?: number;
  /**
   * Record how the heap grows and shrinks while the guest runs, for `heap.timeline()`. It takes a bounded amount of
   * memory and at most 2 % of the time. Default false.
   */
  readonly timeline?: boolean;
  /**
   * What a heap fault (a bad free or realloc) does: it is written down and the call is ignored (`'record'`, the default),
   * or it stops the guest there (`'throw'`).
   */
  readonly onError?: 'record' | 'throw';
  /** Called at each heap fault. */
  readonly onFault?: (fault: HeapFault) => void;
  /**
   * Called with the report of each leak check that the program asks for (`VALGRIND_DO_LEAK_CHECK`,
   * `__lsan_do_leak_check`). The program learns the counts with or without this option. The guest cannot be called from
   * here.
   */
  readonly onLeakCheck?: (report: LeakReport) => void;
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
  /**
   * Called when a step that may take long begins: putting the runtime or call sites into the module, and reading its debug
   * information when a profile or a report is first asked for; in loadC(), compiling and linking, too. Steps whose result
   * is in the cache are not told. An error that it throws reaches the caller of loadC(), profile() and so on.
   */
  readonly onProgress?: (progress: Progress) => void;
  /** Sees what the guest writes to its standard output, as it is written. The guest cannot be called from here. */
  readonly onStdout?: (bytes: Uint8Array) => void;
  /** Sees what the guest writes to its standard error, as it is written. The guest cannot be called from here. */
  readonly onStderr?: (bytes: Uint8Array) => void;
}

const PAGE = 0x10000;
const LARGEST_MEMORY = 2 ** 32;
const LARGEST_QUARANTINE = 2 ** 30;
const MOST_BLOCKS = 2 ** 31 - 1;
const LARGEST_BLOCK = 2 ** 31 - 1;

/** A time in milliseconds. */
export const milliseconds = numberAbove0(LONGEST_TIMER, 'milliseconds');

/** Bytes of the quarantine where it is on by default: in `heapline check` and in tests. */
export const QUARANTINE = 2 ** 18;

let checksByDefault = false;

/** Sandboxes have all checks from now on, unless their options say otherwise. */
export function checkByDefault(): void {
  checksByDefault = true;
}

/** Which checks these options ask for. */
export function checksOf({ checks = checksByDefault, access = checks, quarantine }: SandboxOptions): {
  readonly access: boolean;
  readonly quarantine: number;
} {
  return { access, quarantine: quarantine ?? (checks ? QUARANTINE : 0) };
}

/** The file system of a guest, by absolute path. */
const files: OptionRule<Readonly<Record<string, string | Uint8Array>>> = {
  read: (value, option) => {
    if (!isObject(value) || !Object.values(value).every(isContents)) {
      rejectOption(option, 'an object from absolute paths to strings or Uint8Arrays', value);
    }
    for (const path of Object.keys(value)) {
      if (path.startsWith('/') && !path.endsWith('/') && !path.includes('\0')) continue;
      rejectOption(
        option,
        `an object from absolute paths to contents; '${path}' is not the absolute path of a file`,
        value,
      );
    }
    return value as Readonly<Record<string, string | Uint8Array>>;
  },
};

/** Directories of this machine, by absolute path in the guest. */
const preopens: OptionRule<Readonly<Record<string, string | PreopenedDirectory>>> = {
  read: (value, option, caller) => {
    if (!isObject(value) || Array.isArray(value)) {
      rejectOption(option, 'an object from absolute paths in the guest to directories', value);
    }
    for (const [guest, directory] of Object.entries(value)) {
      if (!guest.startsWith('/') || guest.includes('\0')) {
        rejectOption(
          option,
          `an object from absolute paths to directories; '${guest}' is not absolute`,
          value,
        );
      }
      const one = `${option}['${guest}']`;
      if (isObject(directory)) checkOptionNames(caller, directory, ['path', 'readOnly'], one);
      if (!isPreopen(directory)) {
        rejectOption(one, 'the path of a directory, or { path, readOnly }', directory);
      }
    }
    return value as Readonly<Record<string, string | PreopenedDirectory>>;
  },
};

function isPreopen(value: unknown): value is string | PreopenedDirectory {
  if (!isObject(value)) return isCString(value) && value !== '';
  const { path, readOnly } = value as { path?: unknown; readOnly?: unknown };
  return isCString(path) && path !== '' && (readOnly === undefined || typeof readOnly === 'boolean');
}

const hostFrames: OptionRule<HostFrames> = {
  read: (value, option, caller) => {
    if (value === 'allocating' || value === 'off') return value;
    if (isObject(value)) checkOptionNames(caller, value, ['every', 'budget'], option);
    if (isObject(value) && 'budget' in value) {
      if (!('every' in value)) return readBudget(value.budget, option);
      rejectOption(option, 'either { budget } or { every }', value);
    }
    const every: unknown = isObject(value) ? (value as { every?: unknown }).every : undefined;
    if (!Number.isSafeInteger(every) || (every as number) < 1) {
      rejectOption(
        option,
        "'allocating', 'off', { budget: SHARE } or { every: N } with a whole number N from 1 on",
        value,
      );
    }
    return value as HostFramesSampling;
  },
};

function readBudget(budget: unknown, option: string): HostFrames {
  if (typeof budget === 'number' && budget > 0 && budget <= 1) return { budget };
  rejectOption(`${option}.budget`, 'a share of the time, above 0 and up to 1', budget);
}

/** The option that says which modules keep their own allocator. */
export const recordOnly = withHelp(
  oneOf('never', 'if-needed', 'always'),
  'which modules keep their own allocator and are recorded only: those whose allocator cannot be replaced, all or none',
);

/** The option that says at which moment leaks are looked for. */
export const leakMoment = withHelp(
  withDefault(oneOf('main', 'exit'), 'main'),
  'look at the heap when main has ended, or at the exit, after static destructors and atexit functions',
);

/** The table of these options. */
export const SANDBOX_OPTIONS = {
  args: rule((value) => isListOf(value, isCString), 'an array of strings without NUL characters'),
  env: withHelp(
    rule<Readonly<Record<string, string>>>(
      (value) => isObject(value) && Object.entries(value).every(isVariable),
      'an object of strings',
    ),
    "set a variable of the program's environment",
  ),
  stdin: withHelp(
    rule<string | Uint8Array | InputReader>(
      (value) => isContents(value) || typeof value === 'function',
      'a string, a Uint8Array, or a function that gives the next bytes',
    ),
    "the program's standard input",
  ),
  files: withHelp(files, 'give the program a file'),
  preopens: withHelp(preopens, 'let the program use a directory'),
  maxMemory: withHelp(
    rule<number>(
      (value) => Number.isInteger(value) && (value as number) >= PAGE && (value as number) <= LARGEST_MEMORY,
      `a whole number of bytes from ${PAGE} (one page) to ${LARGEST_MEMORY}`,
    ),
    'limit of the linear memory, such as 64M; beyond it malloc returns NULL',
  ),
  maxBlocks: withHelp(
    wholeNumber(1, MOST_BLOCKS, 'blocks'),
    'most blocks in use at a time; beyond it malloc returns NULL',
  ),
  maxAllocation: withHelp(
    wholeNumber(1, LARGEST_BLOCK, 'bytes'),
    'most bytes of one block, such as 1M; malloc of more returns NULL',
  ),
  timeout: withHelp(
    milliseconds,
    'most time of a call into the program, such as 5s or 500ms; then it is stopped',
  ),
  imports: rule(
    (value) => isObject(value) && Object.values(value).every(isObject),
    'an object of objects of functions',
  ),
  hostFrames,
  freeStacks: flag,
  access: withHelp(
    flag,
    'check every access: reads and writes beside blocks, in freed blocks and near address 0',
  ),
  checks: flag,
  quarantine: withHelp(
    wholeNumber(0, LARGEST_QUARANTINE, 'bytes'),
    'bytes of freed blocks that wait before they are used again, so that double frees are told from others',
  ),
  timeline: withHelp(flag, 'record how the heap grows and shrinks'),
  onError: oneOf('record', 'throw'),
  onFault: callback(),
  onLeakCheck: callback(),
  onExit: callback(),
  onCallbackError: callback(),
  onStdout: callback(),
  onStderr: callback(),
  onProgress,
} satisfies OptionTable<SandboxOptions>;

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
