// The options of compile(), and their table. The command line takes its checks from the same table.

import { InvalidArgumentError } from '../errors.ts';
import {
  flag,
  isListOf,
  isObject,
  isText,
  oneOf,
  rejectOption,
  rule,
  textNotEmpty,
  wholeNumber,
} from '../options/option-rules.ts';
import {
  type OptionRule,
  type OptionTable,
  readOptions,
  type SettingsOf,
  withDefault,
  withHelp,
} from '../options/option-table.ts';
import { onProgress, type Progress } from '../options/progress.ts';

/** Names of the toolchains that Heapline can drive. */
export type ToolchainName = 'emscripten' | 'clang' | 'embedded';

/** How C sources are compiled and linked. */
export interface CompileOptions {
  /** The compiler to use. `auto` takes the first of emscripten, clang and embedded that works. Default `'auto'`. */
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
  /**
   * Leave room around variables on the stack and global variables, so that checks of accesses (`access: true`) find what
   * misses them. `loadC()` does so by default when accesses are checked. Default false.
   */
  stack?: boolean;
  /** Functions to export. By default every non-static function that the named sources define. */
  exports?: readonly string[];
  /** Directory for compiled objects. By default `node_modules/.cache/heapline` of the project. */
  cacheDir?: string;
  /**
   * Called when a step begins: each source that is compiled, and linking; nothing when the result is in the cache. An
   * error that it throws ends the work and reaches the caller.
   */
  readonly onProgress?: (progress: Progress) => void;
}

/** Smallest and largest size of the C stack in bytes. */
const SMALLEST_STACK = 4096;
const LARGEST_STACK = 2 ** 30;

/** The choices of the option `toolchain`, and of the environment variable HEAPLINE_TOOLCHAIN. */
export const TOOLCHAINS = ['auto', 'emscripten', 'clang', 'embedded'] as const;

/** A string that can be an argument of a program. */
export function isArgument(value: unknown): value is string {
  return isText(value) && !value.includes('\0');
}

const argumentList: OptionRule<readonly string[]> = rule(
  (value) => isListOf(value, isArgument),
  'an array of strings without NUL characters',
);

/** The macros of `define`. */
const macros: OptionRule<Readonly<Record<string, string | boolean>>> = {
  read: (value, option) => {
    if (!isObject(value) || Array.isArray(value)) {
      rejectOption(option, 'an object of macro names and values', value);
    }
    for (const [name, text] of Object.entries(value)) {
      if (!/^[A-Za-z_]\w*(\([^)]*\))?$/.test(name)) {
        throw new InvalidArgumentError(option, `\`${name}\` is not a macro name.`);
      }
      if (typeof text !== 'boolean' && typeof text !== 'string') {
        throw new InvalidArgumentError(
          option,
          `The value of macro \`${name}\` must be a string, true or false.`,
        );
      }
    }
    return value as Readonly<Record<string, string | boolean>>;
  },
};

const functionNames: OptionRule<readonly string[]> = {
  read: (value, option, caller) => {
    const names = argumentList.read(value, option, caller);
    for (const name of names) {
      if (/^[\w$.]+$/.test(name)) continue;
      throw new InvalidArgumentError(option, `\`${name}\` is not a function name.`);
    }
    return names;
  },
};

/** The options that become the compiler's command line. */
const FLAG_OPTIONS = {
  flags: withHelp(withDefault(argumentList, []), 'any other flag for the compiler'),
  include: withHelp(
    withDefault(
      rule<readonly (string | URL)[]>(
        (value) => isListOf(value, (item) => isArgument(item) || item instanceof URL),
        'an array of paths and file: URLs',
      ),
      [],
    ),
    'directory to search for headers',
  ),
  define: withHelp(withDefault(macros, {}), 'macro to define'),
} satisfies OptionTable<Pick<CompileOptions, 'flags' | 'include' | 'define'>>;

/** The table of these options. */
export const COMPILE_OPTIONS = {
  ...FLAG_OPTIONS,
  toolchain: withHelp(withDefault(oneOf(...TOOLCHAINS), 'auto'), 'compiler to use'),
  link: withHelp(withDefault(argumentList, []), 'any other flag for the linker'),
  stackSize: withHelp(wholeNumber(SMALLEST_STACK, LARGEST_STACK, 'bytes'), 'size of the C stack, such as 4M'),
  stack: withHelp(
    flag,
    'room around stack and global variables, so that checks of accesses find what misses them',
  ),
  exports: functionNames,
  cacheDir: textNotEmpty('the path of a directory'),
  onProgress,
} satisfies OptionTable<CompileOptions>;

export type FlagSettings = SettingsOf<typeof FLAG_OPTIONS>;

/** The options that become the compiler's command line, without the others. Their values are checked. */
export function flagSettings({ flags, include, define }: CompileOptions): FlagSettings {
  return readOptions('compile', { flags, include, define }, FLAG_OPTIONS);
}
