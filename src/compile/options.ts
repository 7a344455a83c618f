// Reads the caller's options and makes their paths absolute once, so that the drivers and the cache keys see one
// form: paths do not depend on the working directory, and a bad option is rejected before any tool starts.

import { accessSync, constants, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { FileError, InvalidArgumentError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';
import { pathOf } from '../node/file-url.ts';
import { HEADER_FLAGS } from '../node/own-files.ts';
import { workingDirectory } from '../node/working-directory.ts';
import { isListOf } from '../options/option-rules.ts';
import { readOptions } from '../options/option-table.ts';
import type { OnProgress } from '../options/progress.ts';
import {
  COMPILE_OPTIONS,
  type CompileOptions,
  type FlagSettings,
  isArgument,
  TOOLCHAINS,
  type ToolchainName,
} from './compile-options.ts';
import { refuseUnsupported } from './support.ts';
import { VARIABLE_LAYOUT } from './variable-layout.ts';

/** The options of compile(), complete and with absolute paths. */
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
  readonly onProgress: OnProgress | undefined;
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
/** Linkers need the size of the C stack to be a multiple of this number of bytes. */
const STACK_ALIGNMENT = 16;

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

/** Checks and completes the arguments of `compile()`. */
export function readRequest(sources: readonly string[], options: CompileOptions = {}): Request {
  const base = workingDirectory();
  const named: unknown = typeof sources === 'string' ? [sources] : sources;
  if (!isListOf<string>(named, isArgument)) {
    throw new InvalidArgumentError('sources', 'The sources must be an array of paths.');
  }
  if (named.length === 0) {
    throw new InvalidArgumentError('sources', 'No source file was given: name at least one C file.');
  }
  const settings = readOptions('compile', options, COMPILE_OPTIONS);
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

  const asked = settings.toolchain;
  const fromEnvironment = process.env.HEAPLINE_TOOLCHAIN ?? '';
  if (fromEnvironment !== '' && !(TOOLCHAINS as readonly string[]).includes(fromEnvironment)) {
    throw new InvalidArgumentError(
      'HEAPLINE_TOOLCHAIN',
      `HEAPLINE_TOOLCHAIN is \`${fromEnvironment}\`: it must be one of ${TOOLCHAINS.join(', ')}.`,
    );
  }
  const toolchain = (
    asked === 'auto' && fromEnvironment !== '' ? fromEnvironment : asked
  ) as Request['toolchain'];

  const { flags, sysroot } = takeSysroot(compilerFlags(settings, base));
  const link = joinedLinkFlags(absoluteFlags(settings.link, base), base).map((item) =>
    item.startsWith('-') ? item : linkInput(item, base),
  );
  refuseUnsupported({ flags, link, sysroot });
  const { cacheDir, onProgress, stackSize, exports = null } = settings;
  return {
    sources: files,
    toolchain,
    flags: [...flags, ...HEADER_FLAGS, ...(settings.stack ? VARIABLE_LAYOUT : [])],
    sysroot,
    link,
    stackSize: stackSize === undefined ? null : Math.ceil(stackSize / STACK_ALIGNMENT) * STACK_ALIGNMENT,
    exports,
    cacheDir: cacheDir === undefined ? null : path.resolve(base, cacheDir),
    onProgress,
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
export function compilerFlags({ flags, include, define }: FlagSettings, base = workingDirectory()): string[] {
  for (const flag of flags) {
    if (/^(-c|-S|-E|-o.*|-M.*|-###|--target=.*|-target|-x.*)$/.test(flag)) {
      throw new InvalidArgumentError(
        'flags',
        `The flag ${flag} cannot be passed, because Heapline sets it itself. Leave it out.`,
      );
    }
  }
  const directories = include.map((item) => (item instanceof URL ? pathOf('include', item) : item));
  const macroFlags = Object.entries(define).map(([name, value]) => {
    if (typeof value === 'string') return `-D${name}=${value}`;
    return value ? `-D${name}` : `-U${name}`;
  });
  return [
    ...directories.map((directory) => `-I${path.resolve(base, directory)}`),
    ...macroFlags,
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
