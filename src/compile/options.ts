// Checks the caller's options and makes their paths absolute once, so that the drivers and the cache keys see one
// form: paths do not depend on the working directory, and a bad option is rejected before any tool starts.

import { accessSync, constants, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { FileError, InvalidArgumentError } from '../errors.ts';
import { pathOf } from '../node/file-url.ts';
import { workingDirectory } from '../node/working-directory.ts';
import { checkOptionNames } from '../options/option-names.ts';
import { refuseUnsupported } from './support.ts';

/** Names of the toolchains that Heapline can drive. */
export type ToolchainName = 'emscripten' | 'clang' | 'embedded';

/** How C sources are compiled and linked. */
export interface CompileOptions {
  /** The compiler to use. `auto` (the default) takes the first of emscripten, clang and embedded that works. */
  toolchain?: 'auto' | ToolchainName;
  /** Compiler flags. They come after Heapline's own flags and so override them (`-O0`, `-std=c99`, `-Wall`, …). */
  flags?: readonly string[];
  /** Directories for `-I`, as paths or file: URLs. */
  include?: readonly (string | URL)[];
  /** Macros for `-D`. `true` defines the name without a value, `false` undefines it (`-U`). */
  define?: Readonly<Record<string, string | boolean>>;
  /** Linker flags, objects and archives (`-lm`, `-Ldir`, `extra.o`, `-Wl,…`). */
  link?: readonly string[];
  /**
   * Size of the C stack in bytes, 1 MiB by default. It is rounded up to a multiple of 16. For a module that comes
   * linked (`loadWasm()`), its link has decided the size.
   */
  stackSize?: number;
  /** Functions to export. By default every non-static function that the named sources define. */
  exports?: readonly string[];
  /** Directory for compiled objects. By default `node_modules/.cache/heapline` of the project. */
  cacheDir?: string;
  /** Called with a line for people when something slow starts. */
  onProgress?: (message: string) => void;
}

/** The same options, complete and with absolute paths. */
export interface Request {
  readonly sources: readonly string[];
  readonly toolchain: 'auto' | ToolchainName;
  /** Flags, include directories and macros as one command line, paths absolute. */
  readonly flags: readonly string[];
  readonly link: readonly string[];
  /** The sysroot that `--sysroot` in the flags names, as an absolute path. */
  readonly sysroot: string | null;
  /** In bytes; null for the default. */
  readonly stackSize: number | null;
  readonly exports: readonly string[] | null;
  readonly cacheDir: string | null;
  readonly onProgress: (message: string) => void;
}

// The suffixes on which clang and emcc agree.
const C_SOURCE = /\.(c|i)$/;
const CXX_SOURCE = /\.(cc|cpp|cxx|c\+\+|C|CC|CPP|CXX|C\+\+|ii)$/;

/** Advice about files that are not C or C++ sources, by their suffix. */
const OTHER_FILES: readonly (readonly [RegExp, string])[] = [
  [/\.(o|obj|a|lib)$/, 'It is linked, not compiled: pass it in `link` (--ldflag).'],
  [/\.(wasm)$/, 'It is compiled already: run it with `loadWasm`.'],
  [/\.(h|hh|hpp|hxx|inc|inl)$/, 'It is a header: name the source that includes it.'],
  [/\.(s|S|asm|ll|bc)$/, 'Assemble it outside of Heapline and pass the object in `link` (--ldflag).'],
  [/\.(m|mm|mi|mii)$/, 'WebAssembly has no runtime for Objective-C: leave the file out.'],
  [/\.(so|dylib|dll)$/, 'Dynamic libraries are for another system: name the sources of the library.'],
];

function notASource(source: string, absolute: string): InvalidArgumentError {
  const advice =
    OTHER_FILES.find(([suffix]) => suffix.test(absolute))?.[1] ??
    'Its name must end in .c, .i, .cc, .cpp, .cxx, .c++, .C or .ii.';
  return new InvalidArgumentError('sources', `${source} is not a C or C++ source. ${advice}`);
}
/** Smallest and largest size of the C stack in bytes. Linkers need the size to be a multiple of STACK_ALIGNMENT. */
const SMALLEST_STACK = 4096;
const LARGEST_STACK = 2 ** 30;
const STACK_ALIGNMENT = 16;
const toolchains = ['auto', 'emscripten', 'clang', 'embedded'];

/** True for sources that need the C++ compiler. */
export function isCxx(source: string): boolean {
  return CXX_SOURCE.test(source);
}

// Flags whose value is a path, either joined to the flag or in the next argument.
const PATH_FLAGS = [
  '-isystem',
  '-iquote',
  '-idirafter',
  '-include',
  '-imacros',
  '-iprefix',
  '--sysroot=',
  '--sysroot',
  '-isysroot',
  '-L',
  '-I',
] as const;

/** Applies `map` to the path in each flag that has one (`-I`, `-isystem`, `-include`, `-L`, …). */
export function mapPathFlags(
  flags: readonly string[],
  map: (path: string, flag: string) => string,
): string[] {
  const result: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    const name = PATH_FLAGS.find((prefix) => flag.startsWith(prefix));
    if (name === undefined) {
      result.push(flag);
    } else if (flag === name) {
      const value = flags[++i];
      if (value === undefined) {
        throw new InvalidArgumentError('flags', `The flag ${flag} needs a path after it.`);
      }
      result.push(name, map(value, name));
    } else {
      result.push(name + map(flag.slice(name.length), name));
    }
  }
  return result;
}

// `-include config.h` may name a header on the include path. So its value is only a path if such a file exists.
function absoluteFlags(flags: readonly string[], base: string): string[] {
  return mapPathFlags(flags, (value, flag) => {
    const absolute = path.resolve(base, value);
    return (flag === '-include' || flag === '-imacros') && !isFile(absolute) ? value : absolute;
  });
}

/** The status of a file. Null when it does not exist or is in a directory that may not be searched. */
function statusOf(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

export function isFile(file: string): boolean {
  return statusOf(file)?.isFile() ?? false;
}

export function isDirectory(file: string): boolean {
  return statusOf(file)?.isDirectory() ?? false;
}

function stringList(name: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string' || item.includes('\0'))) {
    throw new InvalidArgumentError(name, `Option \`${name}\` must be an array of strings.`);
  }
  return [...value] as string[];
}

/** The names of the options. */
export const COMPILE_OPTIONS = [
  'toolchain',
  'flags',
  'include',
  'define',
  'link',
  'stackSize',
  'exports',
  'cacheDir',
  'onProgress',
] as const satisfies readonly (keyof CompileOptions)[];

/** Checks and completes the arguments of `compile()`. */
export function readRequest(sources: readonly string[], options: CompileOptions = {}): Request {
  const base = workingDirectory();
  const named = stringList('sources', typeof sources === 'string' ? [sources] : sources);
  if (named.length === 0) {
    throw new InvalidArgumentError('sources', 'No source file was given: name at least one C file.');
  }
  checkOptionNames('compile', options, COMPILE_OPTIONS);
  const files = named.map((source) => {
    const absolute = path.resolve(base, source);
    let stat: Stats | undefined;
    try {
      stat = statSync(absolute, { throwIfNoEntry: false });
      if (stat?.isFile()) accessSync(absolute, constants.R_OK);
    } catch (cause) {
      throw new FileError(source, `Cannot read ${source}: ${(cause as Error).message}.`, { cause });
    }
    if (stat === undefined) {
      throw new FileError(source, `No such file: ${source} (looked for ${absolute}).`);
    }
    if (!stat.isFile()) throw new FileError(source, `Not a file: ${absolute}.`);
    if (!C_SOURCE.test(absolute) && !CXX_SOURCE.test(absolute)) {
      throw notASource(source, absolute);
    }
    return absolute;
  });

  const asked = options.toolchain ?? 'auto';
  if (!toolchains.includes(asked)) {
    throw new InvalidArgumentError(
      'toolchain',
      `Unknown toolchain \`${asked}\`: use ${toolchains.join(', ')}.`,
    );
  }
  const fromEnvironment = process.env.HEAPLINE_TOOLCHAIN ?? '';
  if (fromEnvironment !== '' && !toolchains.includes(fromEnvironment)) {
    throw new InvalidArgumentError(
      'HEAPLINE_TOOLCHAIN',
      `HEAPLINE_TOOLCHAIN is \`${fromEnvironment}\`: it must be one of ${toolchains.join(', ')}.`,
    );
  }
  const toolchain = (
    asked === 'auto' && fromEnvironment !== '' ? fromEnvironment : asked
  ) as Request['toolchain'];

  const { flags, sysroot } = takeSysroot(compilerFlags(options, base));
  const names = options.exports === undefined ? null : stringList('exports', options.exports);
  for (const name of names ?? []) {
    if (!/^[\w$.]+$/.test(name))
      throw new InvalidArgumentError('exports', `\`${name}\` is not a function name.`);
  }
  const link = joinedLinkFlags(absoluteFlags(stringList('link', options.link), base), base).map((item) =>
    item.startsWith('-') ? item : linkInput(item, base),
  );
  refuseUnsupported({ flags, link, sysroot });
  const { cacheDir, onProgress, stackSize } = options;
  if (
    stackSize !== undefined &&
    !(Number.isInteger(stackSize) && stackSize >= SMALLEST_STACK && stackSize <= LARGEST_STACK)
  ) {
    throw new InvalidArgumentError(
      'stackSize',
      `Option \`stackSize\` must be a whole number of bytes from ${SMALLEST_STACK} to ${LARGEST_STACK}.`,
    );
  }
  if (cacheDir !== undefined && (typeof cacheDir !== 'string' || cacheDir === '')) {
    throw new InvalidArgumentError('cacheDir', 'Option `cacheDir` must be the path of a directory.');
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidArgumentError('onProgress', 'Option `onProgress` must be a function.');
  }
  return {
    sources: files,
    toolchain,
    flags,
    sysroot,
    link,
    stackSize: stackSize === undefined ? null : Math.ceil(stackSize / STACK_ALIGNMENT) * STACK_ALIGNMENT,
    exports: names,
    cacheDir: cacheDir === undefined ? null : path.resolve(base, cacheDir),
    onProgress: onProgress ?? (() => {}),
  };
}

/** Takes `--sysroot` out of the flags, because the linker needs it, too, and because it decides the target's name. */
function takeSysroot(given: readonly string[]): { flags: string[]; sysroot: string | null } {
  let sysroot: string | null = null;
  const flags: string[] = [];
  for (let i = 0; i < given.length; i++) {
    const flag = given[i]!;
    const joined = /^(?:--sysroot=|-isysroot)(.+)$/.exec(flag);
    if (joined !== null) sysroot = joined[1]!;
    else if (flag === '--sysroot' || flag === '-isysroot') sysroot = given[++i]!;
    else flags.push(flag);
  }
  return { flags, sysroot };
}

/** Include directories, macros and flags as one command line, with absolute paths. */
export function compilerFlags(options: CompileOptions, base = workingDirectory()): string[] {
  const define = options.define ?? {};
  if (typeof define !== 'object' || Array.isArray(define)) {
    throw new InvalidArgumentError('define', 'Option `define` must be an object of macro names and values.');
  }
  const macros = Object.entries(define).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*(\([^)]*\))?$/.test(name)) {
      throw new InvalidArgumentError('define', `\`${name}\` is not a macro name.`);
    }
    if (typeof value !== 'boolean' && typeof value !== 'string') {
      throw new InvalidArgumentError(
        'define',
        `The value of macro \`${name}\` must be a string, true or false.`,
      );
    }
    if (typeof value === 'string') return `-D${name}=${value}`;
    return value ? `-D${name}` : `-U${name}`;
  });

  const flags = stringList('flags', options.flags);
  for (const flag of flags) {
    if (/^(-c|-S|-E|-o.*|-M.*|-###|--target=.*|-target|-x.*)$/.test(flag)) {
      throw new InvalidArgumentError(
        'flags',
        `The flag ${flag} cannot be passed, because Heapline sets it itself. Leave it out.`,
      );
    }
  }
  const { include } = options;
  const directories = stringList(
    'include',
    Array.isArray(include)
      ? include.map((item) => (item instanceof URL ? pathOf('include', item) : item))
      : include,
  );
  return [
    ...directories.map((directory) => `-I${path.resolve(base, directory)}`),
    ...macros,
    ...absoluteFlags(flags, base),
  ];
}

/** Emscripten's flags that name a JavaScript file. */
const SCRIPT_FLAG = /^--(?:(?:extern-)?(?:pre|post)-js|js-library)$/;
/** Emscripten's other flags with a value. The value is not changed, because it decides where a file is embedded. */
const VALUE_FLAG = /^--(?:embed-file|preload-file|exclude-file|closure|source-map-base|use-port|shell-file)$/;

/**
 * Joins each linker flag whose value is the next argument into one argument, because that value is no file to link.
 */
function joinedLinkFlags(items: readonly string[], base: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    const value = items[i + 1];
    if (value !== undefined && (SCRIPT_FLAG.test(item) || VALUE_FLAG.test(item))) {
      i++;
      result.push(`${item}=${SCRIPT_FLAG.test(item) ? linkInput(value, base) : value}`);
    } else if (!/^-[suez]$|^-Xlinker$/.test(item) || value === undefined) result.push(item);
    // `-s` alone is wasm-ld's flag for stripping.
    else if (item === '-s' && !/^[A-Z][A-Z0-9_]+(?:=|$)/.test(value)) result.push(item);
    else {
      i++;
      result.push(item === '-s' ? item + value : `-Wl,${item === '-Xlinker' ? '' : `${item},`}${value}`);
    }
  }
  return result;
}

function linkInput(item: string, base: string): string {
  const absolute = path.resolve(base, item);
  if (!isFile(absolute)) throw new FileError(item, `No such file to link: ${item} (looked for ${absolute}).`);
  return absolute;
}
