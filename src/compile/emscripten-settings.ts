// The caller's linker flags where they meet those of Heapline. Each of Emscripten's settings does one of four things: it
// is passed on; it replaces a default of Heapline's (the stack's size); its list is joined with Heapline's (exports); or
// it only shapes files that no caller of Heapline sees (-sEXPORT_ES6, -sSINGLE_FILE, -sMALLOC), and what Heapline decides
// takes its place. Those that make something which Heapline cannot run or measure are refused, with the reason, before
// anything is compiled; what no toolchain can do is in support.ts.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError } from '../errors.ts';
import { workingDirectory } from '../node/working-directory.ts';
import { defaultSettings, linkSettings, moduleOptions, stackSetting } from './emscripten-versions.ts';
import { refuseUnsupported } from './support.ts';

/** A setting, as `-s` gives it. */
interface Setting {
  readonly name: string;
  readonly value: string;
  /** As the caller wrote it. */
  readonly text: string;
}

type Item = Setting | string;

/** Decided by Heapline (linkSettings), or of no consequence for what it makes. */
const DECIDED: ReadonlySet<string> = new Set([
  'MALLOC',
  'MODULARIZE',
  'EXPORT_NAME',
  'EXPORT_ES6',
  'USE_ES6_IMPORT_META',
  'SINGLE_FILE',
  'SINGLE_FILE_BINARY_ENCODE',
  'ENVIRONMENT',
  'FILESYSTEM',
  'FORCE_FILESYSTEM',
  'INVOKE_RUN',
  'WASM_BIGINT',
  'LEGALIZE_JS_FFI',
  'NODEJS_CATCH_EXIT',
  'NODEJS_CATCH_REJECTION',
  'GROWABLE_ARRAYBUFFERS',
  'DEFAULT_TO_CXX',
  'STACK_OVERFLOW_CHECK',
  'WASM_ASYNC_COMPILATION',
  'BINARYEN_ASYNC_COMPILATION',
  'DECLARE_ASM_MODULE_EXPORTS',
  'SEPARATE_DWARF',
  // Optimisations by Binaryen and of JavaScript.
  'EVAL_CTORS',
  'USE_CLOSURE_COMPILER',
  'MINIFY_HTML',
]);

/** Lists that are joined with Heapline's. */
const JOINED: Readonly<Record<string, string>> = {
  EXPORTED_FUNCTIONS: 'EXPORTED_FUNCTIONS',
  EXPORTED_RUNTIME_METHODS: 'EXPORTED_RUNTIME_METHODS',
  EXTRA_EXPORTED_RUNTIME_METHODS: 'EXPORTED_RUNTIME_METHODS',
  DEFAULT_LIBRARY_FUNCS_TO_INCLUDE: 'DEFAULT_LIBRARY_FUNCS_TO_INCLUDE',
  INCOMING_MODULE_JS_API: 'INCOMING_MODULE_JS_API',
};

const TO_THE_EVENT_LOOP =
  'let C return to the event loop instead, as emscripten_async_call and emscripten_set_main_loop do';

/** Settings that are refused when they are on (WASM: unless it is 1), and why. */
const REFUSED: Readonly<Record<string, string>> = {
  STANDALONE_WASM:
    'it makes a module without the JavaScript that Heapline runs it by; for a module over WASI use the toolchain ' +
    'clang or embedded',
  PURE_WASI:
    'it makes a module without the JavaScript that Heapline runs it by; for a module over WASI use the toolchain ' +
    'clang or embedded',
  MINIMAL_RUNTIME:
    'its JavaScript takes no options, so that the guest could have neither files nor environment',
  WASMFS: 'its file system lies in the module, where Heapline cannot put files, input and output',
  NODERAWFS: 'it gives the program the files of this machine; hand it those that it needs in `files`',
  NODERAWSOCKETS: 'it gives the program the network of this machine',
  SAFE_HEAP:
    'a pass of Binaryen then replaces every access to memory, and the lines of stacks are no longer right',
  ASYNCIFY:
    'a pass of Binaryen then rewrites the code, so that C can be suspended and run once more, and the lines of stacks ' +
    `are no longer right; ${TO_THE_EVENT_LOOP}`,
  JSPI:
    'the engine then suspends one stack of C and goes on with another, and Heapline keeps the call sites of one stack; ' +
    TO_THE_EVENT_LOOP,
  SPLIT_MODULE: 'it makes two modules of one',
  WASM_ESM_INTEGRATION: 'its JavaScript is loaded by an engine that imports WebAssembly as a module',
  SOURCE_PHASE_IMPORTS: 'its JavaScript is loaded by an engine that imports WebAssembly as a module',
};

/** The caller's flags, as words. Of those in the environment, `-s NAME` may be two. */
function itemsOf(link: readonly string[]): Item[] {
  const items: Item[] = [];
  for (let i = 0; i < link.length; i++) {
    const word = link[i]!;
    const [text, assignment] =
      word === '-s' && i + 1 < link.length && /^[A-Z]/.test(link[i + 1]!)
        ? [`${word} ${link[++i]}`, link[i]!]
        : [word, word.startsWith('-s') ? word.slice(2) : ''];
    const match = /^([A-Z][A-Z0-9_]*)(?:=(.*))?$/s.exec(assignment);
    items.push(match === null ? word : settingOf(match[1]!, match[2] ?? '1', text));
  }
  return items;
}

/** `-sNO_EXIT_RUNTIME` is `-sEXIT_RUNTIME=0`. */
function settingOf(name: string, value: string, text: string): Setting {
  const negated = /^NO_(.+)$/.exec(name);
  if (negated === null) return { name, value, text };
  return { name: negated[1]!, value: isOn(value) ? '0' : '1', text };
}

const isOn = (value: string): boolean => !/^(0|no|false|)$/i.test(value);

/** The flags of the environment variable that emcc adds to every command line. */
function flagsOfEnvironment(): string[] {
  const words = (process.env.EMCC_CFLAGS ?? '').match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

/** What the caller gives the link, those of the environment last, as emcc has it. */
function given(link: readonly string[]): Item[] {
  return itemsOf([...link, ...flagsOfEnvironment()]);
}

/**
 * Throws an InvalidArgumentError for the first flag with which Emscripten would make something that Heapline cannot run
 * or measure.
 */
export function checkLinkFlags(link: readonly string[]): void {
  refuseUnsupported({ flags: [], link: flagsOfEnvironment(), sysroot: null });
  for (const item of given(link)) {
    const reason = typeof item === 'string' ? flagRefusal(item) : settingRefusal(item);
    if (reason === null) continue;
    const text = typeof item === 'string' ? item : item.text;
    throw new InvalidArgumentError(
      'link',
      `The linker flag ${text} cannot be used with Heapline: ${reason}. Leave it out of the build that is measured.`,
    );
  }
}

function settingRefusal({ name, value }: Setting): string | null {
  if (name === 'WASM') return value === '1' ? null : 'it makes JavaScript instead of WebAssembly';
  return isOn(value) ? (REFUSED[name] ?? null) : null;
}

function flagRefusal(flag: string): string | null {
  return /^--proxy-to-worker/.test(flag) ? 'its JavaScript is for a browser' : null;
}

/** The version's settings and the caller's flags, in the order in which they are linked with. */
export interface LinkFlags {
  /** Objects and flags of the caller's. */
  readonly before: readonly string[];
  /** Settings of Heapline's, and the lists of both. */
  readonly after: readonly string[];
}

/**
 * What to link with.
 * @param lists Heapline's own entries of the settings that are lists
 * @param hasMain whether it is a program, or a library
 */
export function linkFlags(
  version: string | null,
  link: readonly string[],
  lists: Readonly<Record<string, readonly string[]>>,
  hasMain = true,
): LinkFlags {
  const items = given(link);
  const settings = items.filter((item) => typeof item !== 'string');
  const before = items.flatMap((item) =>
    typeof item === 'string' ? flagToPass(item) : settingToPass(item, version),
  );
  const joined = new Map(Object.entries(lists).map(([name, entries]) => [name, new Set(entries)]));
  if (isStrict(settings) || settings.some(({ name }) => name === 'INCOMING_MODULE_JS_API')) {
    joined.set('INCOMING_MODULE_JS_API', new Set(moduleOptions(version)));
  }
  for (const { name, value } of settings) {
    const list = JOINED[name];
    if (list === undefined) continue;
    const entries = joined.get(list) ?? new Set<string>();
    for (const entry of entriesOf(value)) entries.add(entry);
    joined.set(list, entries);
  }
  const names = new Set(settings.map(({ name }) => name));
  return {
    before,
    after: [
      ...linkSettings(version),
      ...defaultSettings(version, hasMain)
        .filter(({ replacedBy }) => !replacedBy.some((name) => names.has(name)))
        .map(({ flag }) => flag),
      // A program that may not grow its memory has NULL of malloc, as one with `maxMemory` has, and is not ended.
      ...(names.has('ALLOW_MEMORY_GROWTH') && !names.has('ABORTING_MALLOC') ? ['-sABORTING_MALLOC=0'] : []),
      ...[...joined].map(([name, entries]) => `-s${name}=${[...entries].join(',')}`),
    ],
  };
}

/** Strict mode allows no option of the module that is not asked for by name. */
function isStrict(settings: readonly Setting[]): boolean {
  const last = settings.findLast(({ name }) => name === 'STRICT');
  return isOn(last?.value ?? process.env.EMCC_STRICT ?? '');
}

function settingToPass({ name, value }: Setting, version: string | null): string[] {
  if (DECIDED.has(name) || name in JOINED) return [];
  // It has two names, and either version knows one of them.
  if (name === 'STACK_SIZE' || name === 'TOTAL_STACK') return [`-s${stackSetting(version)}=${value}`];
  if (name === 'TOTAL_MEMORY') return [`-sINITIAL_MEMORY=${value}`];
  return [`-s${name}=${value}`];
}

/**
 * What decides on optimisation and debug information is Heapline's. Files that the program would fetch when it starts go
 * into the module: nothing else of the link is kept.
 */
function flagToPass(flag: string): string[] {
  if (/^-O|^-g|^--closure/.test(flag)) return [];
  return [flag.replace(/^--preload-file/, '--embed-file')];
}

/** The entries of a list: `a,b`, `["a", "b"]`, or the name of a file with either, or with one in each line. */
function entriesOf(value: string): string[] {
  let text = value;
  if (value.startsWith('@')) {
    const file = path.resolve(workingDirectory(), value.slice(1));
    if (!existsSync(file)) {
      throw new InvalidArgumentError(
        'link',
        `No such file, which a linker flag names: ${value.slice(1)} (looked for ${file}).`,
      );
    }
    text = readFileSync(file, 'utf8');
  }
  return text
    .replace(/^\s*\[|\]\s*$/g, '')
    .split(/[,\n]/)
    .map((entry) => entry.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .filter((entry) => entry !== '' && !entry.startsWith('#'));
}
