// Finds the headers that a source may include, because the embedded compiler sees only the files it is given. The
// scan reads `#include`, `#include_next`, `#import`, `#embed` and `__has_include` and ignores conditions, so it finds
// too many files rather than too few. A name that none of the caller's directories has is a system header. For an
// include through a macro, the scan follows every string that the macro is defined as.
//
// The compiler's file system has no `..` and keeps the caller's files under a prefix. So an include that contains
// `..` or an absolute path is rewritten in the copy that the compiler reads.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isFile } from '../node/file-kinds.ts';
import { type CompileOptions, flagSettings } from './compile-options.ts';
import { compilerFlags, mapPathFlags } from './options.ts';

// Text that may stand between the parts of a directive: blanks, line ends hidden by a \, and comments (C17 5.1.1.2).
// Comments longer than one line are not recognised.
const SPACE = String.raw`(?:[ \t]|\\\r?\n|/\*[^*\n]*\*/)*`;
const HASH = `${SPACE}(?:#|%:)${SPACE}`;
const HEADER = '"([^"\\n]+)"|<([^>\\n]+)>';
const DIRECTIVE = new RegExp(
  `^(${HASH}(?:include|include_next|import|embed)\\b${SPACE})(?:${HEADER}|([A-Za-z_]\\w*))`,
  'gm',
);
const PROBE = new RegExp(`\\b__has_(?:include|include_next|embed)[ \\t]*\\([ \\t]*(?:${HEADER})`, 'g');
/** A macro whose value is a header's name or another macro. */
const PATH_MACRO = new RegExp(
  `^${HASH}define\\b${SPACE}([A-Za-z_]\\w*)[ \\t]${SPACE}(?:${HEADER}|([A-Za-z_]\\w*)${SPACE}\\r?$)`,
  'gm',
);

interface SearchPath {
  readonly quote: readonly string[];
  readonly angle: readonly string[];
  /** Files that are read before the source (`-include`). */
  readonly forced: readonly string[];
  readonly macros: ReadonlyMap<string, string>;
}

function searchPath(flags: readonly string[]): SearchPath {
  const quote: string[] = [];
  const angle: string[] = [];
  const system: string[] = [];
  const after: string[] = [];
  const forced: string[] = [];
  const macros = new Map<string, string>();
  mapPathFlags(flags, (value, flag) => {
    if (flag === '-iquote') quote.push(value);
    else if (flag === '-I') angle.push(value);
    else if (flag === '-isystem') system.push(value);
    else if (flag === '-idirafter') after.push(value);
    else if (flag === '-include' || flag === '-imacros') forced.push(value);
    return value;
  });
  for (const flag of flags) {
    const macro = /^-D(\w+)=["<](.+)[">]$/.exec(flag);
    if (macro !== null) macros.set(macro[1]!, macro[2]!);
  }
  return { quote, angle: [...angle, ...system, ...after], forced, macros };
}

/** The path under which the compiler must see a file of the caller's. */
export type ToVirtual = (file: string) => string;

/** Every file that compiling `source` may read, including `source`, without the system's headers. */
export function filesToRead(source: string, options: CompileOptions): string[] {
  if (!isFile(source)) return [source];
  return [...collectFiles(source, compilerFlags(flagSettings(options)), (file) => file).keys()];
}

/** Every file that compiling `source` may read, by its virtual path. Includes are rewritten where necessary. */
export function collectFiles(
  source: string,
  flags: readonly string[],
  toVirtual: ToVirtual,
): Map<string, Uint8Array> {
  const search = searchPath(flags);
  const files = new Map<string, Uint8Array>();
  const queue: string[] = [source];
  const seen = new Set<string>(queue);
  // Macros that may name a header, and the files that include through a macro.
  const macroPaths = new Map<string, Set<string>>();
  const macroAliases = new Map<string, Set<string>>();
  const macroUses: { name: string; from: string }[] = [];
  for (const [name, value] of search.macros) macroPaths.set(name, new Set([value]));

  const resolve = (spelled: string, quoted: boolean, from: string): string[] => {
    if (path.isAbsolute(spelled)) return isFile(spelled) ? [path.normalize(spelled)] : [];
    const directories = quoted ? [path.dirname(from), ...search.quote, ...search.angle] : [...search.angle];
    const found: string[] = [];
    for (const directory of directories) {
      const candidate = path.join(directory, spelled);
      if (isFile(candidate)) found.push(candidate);
    }
    return found;
  };
  const want = (candidates: readonly string[]) => {
    for (const file of candidates) {
      if (seen.has(file)) continue;
      seen.add(file);
      queue.push(file);
    }
  };
  for (const file of search.forced) want(path.isAbsolute(file) ? [file] : resolve(file, true, source));

  for (;;) {
    const file = queue.shift();
    if (file === undefined) {
      const before = seen.size;
      for (const use of macroUses) {
        for (const name of reachable(macroAliases, use.name))
          for (const spelled of macroPaths.get(name) ?? []) want(resolve(spelled, true, use.from));
      }
      if (seen.size === before) break;
      continue;
    }
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch {
      continue;
    }
    // Latin-1 keeps every byte unchanged, whatever the file's encoding.
    const text = bytes.toString('latin1');
    let rewritten: string | null = null;
    const replaced = text.replaceAll(
      DIRECTIVE,
      (whole: string, head: string, quoted?: string, angled?: string, macro?: string) => {
        if (macro !== undefined) {
          macroUses.push({ name: macro, from: file });
          return whole;
        }
        const spelled = Buffer.from(quoted ?? angled ?? '', 'latin1').toString('utf8');
        const found = resolve(spelled, quoted !== undefined, file);
        want(found);
        const target = found[0];
        if (target === undefined || !(path.isAbsolute(spelled) || /(^|\/)\.\.(\/|$)/.test(spelled)))
          return whole;
        return `${head}"${Buffer.from(toVirtual(target), 'utf8').toString('latin1')}"`;
      },
    );
    if (replaced !== text) rewritten = replaced;
    for (const match of text.matchAll(PROBE)) {
      want(resolve(match[1] ?? match[2] ?? '', match[1] !== undefined, file));
    }
    for (const [, name, quoted, angled, other] of text.matchAll(PATH_MACRO)) {
      if (other === undefined) addTo(macroPaths, name!, quoted ?? angled ?? '');
      else addTo(macroAliases, name!, other);
    }
    files.set(toVirtual(file), rewritten === null ? bytes : Buffer.from(rewritten, 'latin1'));
  }
  return files;
}

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

/** A name and all names that it may stand for. */
function reachable(aliases: ReadonlyMap<string, ReadonlySet<string>>, name: string): Set<string> {
  const names = new Set([name]);
  // Iterating over a Set also visits the names that are added meanwhile.
  for (const each of names) for (const other of aliases.get(each) ?? []) names.add(other);
  return names;
}
