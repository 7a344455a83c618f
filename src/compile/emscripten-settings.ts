// Decides what happens to the caller's linker flags where they meet Heapline's own. A setting of Emscripten's is
// treated in one of four ways: it is passed on; it replaces a default of Heapline's (the stack's size); its list is
// joined with Heapline's (exports); or it is dropped in favour of Heapline's own choice, because it only shapes files
// that no caller of Heapline sees (-sEXPORT_ES6, -sSINGLE_FILE, -sMALLOC). A setting is rejected, with the reason and
// before anything is compiled, when Heapline could not run or measure the result. Flags that no toolchain supports
// are in support.ts.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError } from '../errors.ts';
import { workingDirectory } from '../node/working-directory.ts';
import { defaultSettings, linkSettings, moduleOptions, stackSetting } from './emscripten-versions.ts';
import { refuseUnsupported } from './support.ts';

/** A setting, in the form that `-s` gives it. */
interface Setting {
  readonly name: string;
  readonly value: string;
  /** The caller's spelling. */
  readonly text: string;
}

type Item = Setting | string;

/** Settings that Heapline decides (linkSettings), or that make no difference to the module it makes. */
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

/** Settings whose lists are joined with Heapline's. */
const JOINED: Readonly<Record<string, string>> = {
  EXPORTED_FUNCTIONS: 'EXPORTED_FUNCTIONS',
  EXPORTED_RUNTIME_METHODS: 'EXPORTED_RUNTIME_METHODS',
  EXTRA_EXPORTED_RUNTIME_METHODS: 'EXPORTED_RUNTIME_METHODS',
  DEFAULT_LIBRARY_FUNCS_TO_INCLUDE: 'DEFAULT_LIBRARY_FUNCS_TO_INCLUDE',
  INCOMING_MODULE_JS_API: 'INCOMING_MODULE_JS_API',
};

const TO_THE_EVENT_LOOP =
  'let C return to the event loop instead, as emscripten_async_call and emscripten_set_main_loop do';

/** Settings that are rejected when they are on (WASM is rejected unless it is 1), and the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  STANDALONE_WASM:
    'it makes a module without the JavaScript that Heapline runs it with; for a module over WASI use the toolchain ' +
    'clang or embedded',
  PURE_WASI:
    'it makes a module without the JavaScript that Heapline runs it with; for a module over WASI use the toolchain ' +
    'clang or embedded',
  MINIMAL_RUNTIME:
    'its JavaScript takes no options, so the program could have neither files nor environment variables',
  WASMFS: 'its file system lies in the module, where Heapline cannot provide files, input and output',
  NODERAWFS:
    'it gives the program all files of this machine; pass the files that the program needs in `files`',
  NODERAWSOCKETS: 'it gives the program access to the network of this machine',
  SAFE_HEAP:
    'a pass of Binaryen then replaces every access to memory, and the line numbers in stacks become wrong',
  ASYNCIFY:
    'a pass of Binaryen then rewrites the code so that C can be suspended and resumed, and the line numbers in stacks ' +
    `become wrong; ${TO_THE_EVENT_LOOP}`,
  JSPI:
    'the engine then suspends one C stack and continues another, and Heapline keeps the call sites of only one stack; ' +
    TO_THE_EVENT_LOOP,
  SPLIT_MODULE: 'it makes two modules out of one',
  WASM_ESM_INTEGRATION: 'its JavaScript only loads in an engine that imports WebAssembly as a module',
  SOURCE_PHASE_IMPORTS: 'its JavaScript only loads in an engine that imports WebAssembly as a module',
};

/** The caller's flags, as words. In the environment variable, `-s NAME` may be two words. */
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

/** Reads `-sNO_EXIT_RUNTIME` as `-sEXIT_RUNTIME=0`. */
function settingOf(name: string, value: string, text: string): Setting {
  const negated = /^NO_(.+)$/.exec(name);
  if (negated === null) return { name, value, text };
  return { name: negated[1]!, value: isOn(value) ? '0' : '1', text };
}

const isOn = (value: string): boolean => !/^(0|no|false|)$/i.test(value);

/** The flags in the environment variable whose flags emcc adds to every command line. */
function flagsOfEnvironment(): string[] {
  const words = (process.env.EMCC_CFLAGS ?? '').match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

/** All flags that the caller gives the link. Those of the environment come last, as they do in emcc. */
function given(link: readonly string[]): Item[] {
  return itemsOf([...link, ...flagsOfEnvironment()]);
}

/** The names of the settings that the caller chooses, on the command line or in the environment. */
export function namedSettings(link: readonly string[]): Set<string> {
  return new Set(given(link).flatMap((item) => (typeof item === 'string' ? [] : [item.name])));
}

/**
 * Throws an InvalidArgumentError for the first flag with which Emscripten would make a module that Heapline cannot
 * run or measure.
 */
export function checkLinkFlags(link: readonly string[]): void {
  refuseUnsupported({ flags: [], link: flagsOfEnvironment(), sysroot: null });
  for (const item of given(link)) {
    const reason = typeof item === 'string' ? flagRefusal(item) : settingRefusal(item);
    if (reason === null) continue;
    const text = typeof item === 'string' ? item : item.text;
    throw new InvalidArgumentError(
      'link',
      `The linker flag ${text} cannot be used with Heapline: ${reason}. Leave it out of the build that you measure.`,
    );
  }
}

function settingRefusal({ name, value }: Setting): string | null {
  if (name === 'WASM') return value === '1' ? null : 'it makes JavaScript instead of WebAssembly';
  return isOn(value) ? (REFUSED[name] ?? null) : null;
}

function flagRefusal(flag: string): string | null {
  return /^--proxy-to-worker/.test(flag) ? 'it makes JavaScript that only runs in a browser' : null;
}

/** The version's settings and the caller's flags, in the order in which they are passed to the linker. */
export interface LinkFlags {
  /** The caller's objects and flags. */
  readonly before: readonly string[];
  /** Heapline's settings, and the joined lists. */
  readonly after: readonly string[];
}

/**
 * The flags to link with.
 * @param lists Heapline's own entries of the settings that are lists
 * @param hasMain true for a program, false for a library
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
      // When a program may not grow its memory, malloc returns NULL, as with `maxMemory`. The program is not ended.
      ...(names.has('ALLOW_MEMORY_GROWTH') && !names.has('ABORTING_MALLOC') ? ['-sABORTING_MALLOC=0'] : []),
      ...[...joined].map(([name, entries]) => `-s${name}=${[...entries].join(',')}`),
    ],
  };
}

/** Whether strict mode is on. It only allows options of the module that are asked for by name. */
function isStrict(settings: readonly Setting[]): boolean {
  const last = settings.findLast(({ name }) => name === 'STRICT');
  return isOn(last?.value ?? process.env.EMCC_STRICT ?? '');
}

function settingToPass({ name, value }: Setting, version: string | null): string[] {
  if (DECIDED.has(name) || name in JOINED) return [];
  // The setting has two names. Each version accepts the one that stackSetting() gives.
  if (name === 'STACK_SIZE' || name === 'TOTAL_STACK') return [`-s${stackSetting(version)}=${value}`];
  if (name === 'TOTAL_MEMORY') return [`-sINITIAL_MEMORY=${value}`];
  return [`-s${name}=${value}`];
}

/**
 * Drops the flags for optimisation and debug information, because Heapline decides both. A file that the program
 * would fetch when it starts is put into the module instead, because no other output of the link is kept.
 */
function flagToPass(flag: string): string[] {
  if (/^-O|^-g|^--closure/.test(flag)) return [];
  return [flag.replace(/^--preload-file/, '--embed-file')];
}

/**
 * The entries of a list: `a,b`, `["a", "b"]`, or the name of a file that contains either form or one entry a line.
 */
function entriesOf(value: string): string[] {
  let text = value;
  if (value.startsWith('@')) {
    const file = path.resolve(workingDirectory(), value.slice(1));
    if (!existsSync(file)) {
      throw new InvalidArgumentError(
        'link',
        `A linker flag names a file that does not exist: ${value.slice(1)} (looked for ${file}).`,
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
