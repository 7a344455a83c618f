// What the lines of a source file hold, and their text with the kinds of its words.

import { parser } from '@lezer/cpp';
import { classHighlighter, highlightCode } from '@lezer/highlight';
import { type FrameTree, sumsByKey } from './frame-tree.ts';

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

/** What a line of a file holds. */
export interface LineSum {
  readonly flat: number;
  readonly cum: number;
  /** In a comparison, what it held before. */
  readonly flatBefore: number;
  readonly cumBefore: number;
  /** Names of functions that were inlined there. */
  readonly inlined: readonly string[];
}

/** What the lines of one file hold, by their numbers in ascending order. 0 is for frames without a line. */
export function linesOf(tree: FrameTree, file: string): ReadonlyMap<number, LineSum> {
  // Profiles of strangers have any numbers, so the sums are in tables without gaps.
  const places = tree.places.filter((place) => place.file === file);
  const numbers = [...new Set(places.map(({ line }) => line))].sort((a, b) => a - b);
  const indices = new Map(numbers.map((line, i) => [line, i]));
  const inlined = numbers.map(() => new Set<string>());
  for (const place of places) if (place.inlined) inlined[indices.get(place.line)!]!.add(place.name);
  const keyOf = Int32Array.from(tree.places, (place) =>
    place.file === file ? indices.get(place.line)! : -1,
  );
  const now = sumsByKey(tree, tree.now, keyOf, numbers.length);
  const before = tree.before && sumsByKey(tree, tree.before, keyOf, numbers.length);
  return new Map(
    numbers.map((line, i) => [
      line,
      {
        flat: now.flat[i]!,
        cum: now.cum[i]!,
        flatBefore: before?.flat[i] ?? 0,
        cumBefore: before?.cum[i] ?? 0,
        inlined: [...inlined[i]!],
      },
    ]),
  );
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
