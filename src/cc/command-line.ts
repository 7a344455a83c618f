// The command line of a compiler, as build systems write it for gcc or clang: what is to be done, with which files, and
// which options go to clang, which to the linker, and which have no meaning for WebAssembly. rules.ts says which is
// which. Options that neither table knows go to clang unchanged, so that clang's own answers reach the user.

import { readFileSync } from 'node:fs';
import { VARIABLE_LAYOUT } from '../compile/index.ts';
import { InvalidArgumentError } from '../errors.ts';
import {
  EMCC_SEPARATE_VALUE,
  isIgnored,
  linkerOption,
  ownSanitizers,
  reasonAgainst,
  SEPARATE_VALUE,
} from './rules.ts';

/** A part of a link, in its order: a file, a library, or an option of the linker. */
export interface LinkItem {
  readonly kind: 'file' | 'source' | 'linker' | 'driver';
  readonly text: string;
  /** The language that `-x` has given to a source. */
  readonly language?: string;
}

export interface CommandLine {
  /**
   * `ask`: a question to the compiler, without any input. `compile`: stop before the link. `relocatable`: a link whose
   * result is an object (`-r`). `link`: make a program.
   */
  readonly action: 'ask' | 'compile' | 'relocatable' | 'link';
  /** What clang is given to compile, without inputs, output and the linker's part. */
  readonly flags: readonly string[];
  /** The whole command without what has no meaning here, in its order, for clang. */
  readonly all: readonly string[];
  readonly items: readonly LinkItem[];
  readonly output: string | null;
  /** Whether a link puts checks of accesses into the program. */
  readonly access: boolean;
}

const STOPS = /^-(?:c|S|E|M|MM|fsyntax-only|emit-ast|-analyze|-precompile|-preprocess|-compile|-assemble)$/;
const SOURCE = /\.(?:c|i|cc|cp|cpp|cxx|c\+\+|C|CC|CPP|CXX|ii|s|S|sx|h|hh|hpp|hxx|m|mm|ll|bc)$/;

/** What gcc defines with -fsanitize=address. Sources ask for it before they mark functions or close memory. */
const ADDRESS_MACRO = '-D__SANITIZE_ADDRESS__=1';

/** Whether the compiler itself reads an input, and not only its assembler. */
const isAssembly = (file: string): boolean => /\.[sS]x?$/.test(file);
const isCompiled = ({ kind, text }: LinkItem): boolean => kind === 'source' && !isAssembly(text);

/** Reads a command line. Throws an InvalidArgumentError for an option that cannot have its meaning here. */
export function readCommandLine(given: readonly string[]): CommandLine {
  const args = withResponseFiles(given);
  const flags: string[] = [];
  const all: string[] = [];
  const items: LinkItem[] = [];
  const linker: string[] = [];
  let output: string | null = null;
  let stops = false;
  let relocatable = false;
  let access = false;
  let language: string | undefined;
  const flushLinker = (): void => {
    for (const text of linkerOptions(linker.splice(0))) {
      items.push({ kind: 'linker', text });
      all.push('-Xlinker', text);
    }
  };
  for (let i = 0; i < args.length; i++) {
    const own = ownSanitizers(args[i]!);
    access = own.access ?? access;
    if (own.rest === null) continue;
    const arg = own.rest;
    if (arg.startsWith('-Wl,')) {
      linker.push(...arg.slice(4).split(','));
      continue;
    }
    if (arg === '-Xlinker') {
      if (args[i + 1] !== undefined) linker.push(args[++i]!);
      continue;
    }
    flushLinker();
    const reason = reasonAgainst(arg);
    if (reason !== null) throw new InvalidArgumentError(arg, `${arg}: ${reason}`);
    if (isIgnored(arg)) continue;
    if (arg === '-o' || arg === '--output') {
      output = args[++i] ?? null;
      all.push(arg, ...(output === null ? [] : [output]));
      continue;
    }
    if (/^-o[^b]/.test(arg) && !/^-objc/.test(arg)) {
      output = arg.slice(2);
      all.push(arg);
      continue;
    }
    if (arg === '-x' || /^-x./.test(arg)) {
      const value = arg === '-x' ? args[++i] : arg.slice(2);
      language = value === 'none' ? undefined : value;
      all.push('-x', ...(value === undefined ? [] : [value]));
      continue;
    }
    if (arg === '-L' || arg === '-l' || arg === '-u') {
      const value = args[++i] ?? '';
      pushLibrary(items, arg === '-u' ? '-u' : arg + value, arg === '-u' ? value : null);
      all.push(arg + value);
      continue;
    }
    if (/^-[Ll]./.test(arg)) {
      pushLibrary(items, arg, null);
      all.push(arg);
      continue;
    }
    if (arg === '-r') {
      relocatable = true;
      all.push(arg);
      continue;
    }
    if (/^-nostd|^-nodefaultlibs$|^-nolibc$/.test(arg)) items.push({ kind: 'driver', text: arg });
    all.push(arg);
    if (arg.startsWith('-') && arg !== '-') {
      if (STOPS.test(arg)) stops = true;
      flags.push(arg);
      if (SEPARATE_VALUE.has(arg) && args[i + 1] !== undefined) {
        flags.push(args[++i]!);
        all.push(args[i]!);
      }
      continue;
    }
    const isSource = language !== undefined || SOURCE.test(arg);
    items.push(
      isSource
        ? { kind: 'source', text: arg, ...(language === undefined ? {} : { language }) }
        : { kind: 'file', text: arg },
    );
  }
  flushLinker();
  if (access && items.some(({ kind }) => kind === 'source')) {
    flags.unshift(ADDRESS_MACRO);
    all.unshift(ADDRESS_MACRO);
  }
  const hasInput = items.some(({ kind }) => kind === 'file' || kind === 'source');
  const action =
    !hasInput || flags.includes('-###') ? 'ask' : stops ? 'compile' : relocatable ? 'relocatable' : 'link';
  if (access && items.some(isCompiled)) {
    flags.push(...VARIABLE_LAYOUT);
    all.push(...VARIABLE_LAYOUT);
  }
  return { action, flags, all, items, output, access };
}

/**
 * What a command line of emcc asks for. Its options have their own meanings there, so they are only looked at. The
 * sanitizers that Heapline has itself are left out.
 */
export function actionOf(given: readonly string[]): {
  readonly action: CommandLine['action'];
  readonly output: string | null;
  /** All options, with those of response files. */
  readonly words: readonly string[];
  readonly access: boolean;
} {
  let access = false;
  const words = withResponseFiles(given).flatMap((word) => {
    const own = ownSanitizers(word);
    access = own.access ?? access;
    return own.rest ?? [];
  });
  let output: string | null = null;
  let hasInput = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '-o') output = words[++i] ?? null;
    else if (/^-o[^b]/.test(word)) output = word.slice(2);
    else if (takesValue(word)) i++;
    else if (!word.startsWith('-') || word === '-') hasInput = true;
  }
  if (access) words.unshift(ADDRESS_MACRO);
  if (!hasInput || words.includes('-###')) return { action: 'ask', output, words, access };
  if (access && words.some((word) => SOURCE.test(word) && !isAssembly(word))) words.push(...VARIABLE_LAYOUT);
  if (words.some((word) => STOPS.test(word))) return { action: 'compile', output, words, access };
  return { action: words.includes('-r') ? 'relocatable' : 'link', output, words, access };
}

/** Whether the word after this option of emcc is its value. */
const takesValue = (word: string): boolean =>
  word === '-o' || SEPARATE_VALUE.has(word) || EMCC_SEPARATE_VALUE.has(word);

/** The source in a command line of emcc; null when there is none, or another input with it. */
export function onlySource(words: readonly string[]): string | null {
  const inputs = words.filter(
    (word, at) => !word.startsWith('-') && (at === 0 || !takesValue(words[at - 1]!)),
  );
  return inputs.length === 1 && SOURCE.test(inputs[0]!) ? inputs[0]! : null;
}

/** The same command line without the output, and without files of dependencies. */
export function withoutOutput(words: readonly string[]): string[] {
  return withoutDepfiles(words).filter((word, at, all) => !/^-o(?!b)/.test(word) && all[at - 1] !== '-o');
}

/** The same command line without what makes files of dependencies. */
export function withoutDepfiles(words: readonly string[]): string[] {
  return words.filter(
    (word, at) => !/^-M(?:D|MD|P|G|[FTQ].*)$/.test(word) && !/^-M[FTQ]$/.test(words[at - 1] ?? ''),
  );
}

/** Libraries of the system that WASI has elsewhere or does not need. */
const NO_LIBRARY =
  /^-l(?:pthread|dl|rt|util|resolv|nsl|gcc|gcc_s|gcc_eh|atomic|ssp|ssp_nonshared|:libgcc.*)$/;

function pushLibrary(items: LinkItem[], text: string, value: string | null): void {
  if (NO_LIBRARY.test(text)) return;
  if (text === '-lstdc++' || text === '-lsupc++') {
    items.push({ kind: 'driver', text: '-lc++' }, { kind: 'driver', text: '-lc++abi' });
    return;
  }
  items.push({
    kind: text.startsWith('-u') ? 'linker' : 'driver',
    text: value === null ? text : `--undefined=${value}`,
  });
}

/** Options for the linker, from the words of `-Wl,` and `-Xlinker`, as wasm-ld takes them. */
function linkerOptions(words: readonly string[]): string[] {
  const result: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const { keep, takesValue } = linkerOption(word);
    const value = takesValue && i + 1 < words.length ? words[++i]! : null;
    if (/^--?z$/.test(word) && value?.startsWith('stack-size=')) result.push(`-z${value}`);
    if (!keep) continue;
    result.push(word);
    if (value !== null) result.push(value);
  }
  return result;
}

/** Replaces `@file` by the words in the file, as gcc does: a file that cannot be read stays as it is. */
function withResponseFiles(args: readonly string[], depth = 0): string[] {
  return args.flatMap((arg) => {
    if (!arg.startsWith('@') || depth > 8) return [arg];
    let text: string;
    try {
      text = readFileSync(arg.slice(1), 'utf8');
    } catch {
      return [arg];
    }
    return withResponseFiles(wordsOf(text), depth + 1);
  });
}

/** Words of a response file: separated by white space, quoted with ' or ", with \ before any character. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i]!;
    else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (word !== null) words.push(word);
  return words;
}
