// What the lines of a source file hold, and their text with the kinds of its words.

import { parser } from '@lezer/cpp';
import { classHighlighter, highlightCode } from '@lezer/highlight';
import { type FrameTree, type KeySums, sumsByKey } from './frame-tree.ts';

/** The source files of a profile with what they hold, the largest first. */
export interface FileSums {
  readonly file: string;
  readonly cum: number;
  readonly change: number;
}

export function filesOf(tree: FrameTree): FileSums[] {
  const numbers = new Map<string, number>();
  const keyOf = Int32Array.from(tree.places, ({ file }) => {
    if (file === '') return -1;
    const known = numbers.get(file) ?? numbers.size;
    numbers.set(file, known);
    return known;
  });
  const now = sumsByKey(tree, tree.now, keyOf, numbers.size);
  const before = tree.before && sumsByKey(tree, tree.before, keyOf, numbers.size);
  return [...numbers]
    .map(([file, key]) => {
      const past = before === null ? 0 : before.cum[key]!;
      return { file, cum: now.cum[key]!, change: now.cum[key]! - past };
    })
    .sort((a, b) => Math.abs(b.cum) + Math.abs(b.change) - Math.abs(a.cum) - Math.abs(a.change));
}

/** Sums of the lines of one file. Index 0 is for frames without a line. */
export interface LineSums {
  readonly now: KeySums;
  readonly before: KeySums | null;
  /** Names of functions that were inlined at a line. */
  readonly inlined: ReadonlyMap<number, readonly string[]>;
  readonly last: number;
}

export function linesOf(tree: FrameTree, file: string): LineSums {
  let last = 0;
  const inlined = new Map<number, string[]>();
  for (const place of tree.places) {
    if (place.file !== file) continue;
    last = Math.max(last, place.line);
    if (!place.inlined) continue;
    const names = inlined.get(place.line) ?? [];
    if (!names.includes(place.name)) names.push(place.name);
    inlined.set(place.line, names);
  }
  const keyOf = Int32Array.from(tree.places, (place) => (place.file === file ? place.line : -1));
  return {
    now: sumsByKey(tree, tree.now, keyOf, last + 1),
    before: tree.before && sumsByKey(tree, tree.before, keyOf, last + 1),
    inlined,
    last,
  };
}

/** A piece of a line. */
export interface Word {
  readonly text: string;
  /** Classes of Lezer's `classHighlighter`; '' for plain text. */
  readonly kind: string;
}

/** Longer lines are cut. */
const LONGEST_LINE = 2000;
/** So many lines before those that are seen are read, too, for comments that begin there. */
const CONTEXT = 200;

/** The lines from `first` to `end` as words. */
export function wordsOf(lines: readonly string[], first: number, end: number, file: string): Word[][] {
  const shown = (line: string): string =>
    line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
  if (!/\.(?:c|h|cc|hh|cpp|hpp|cxx|hxx|inl|ipp|def)$/i.test(file)) {
    return lines.slice(first, end).map((line) => [{ text: shown(line), kind: '' }]);
  }
  const from = Math.max(0, first - CONTEXT);
  const text = lines.slice(from, end).map(shown).join('\n');
  const result: Word[][] = [[]];
  highlightCode(
    text,
    parser.parse(text),
    classHighlighter,
    (piece, kind) => result.at(-1)!.push({ text: piece, kind }),
    () => result.push([]),
  );
  return result.slice(first - from);
}
