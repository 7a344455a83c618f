// Writes suppressions for the records of a report, in LeakSanitizer's format. Such a suppression names one function,
// and it hides every record that has this function somewhere in its stack. Each record therefore gets the function
// that the fewest records have, and the innermost one of several.

import {
  type Frame,
  foldStacks,
  isLibraryFile,
  relativePath,
  type Stack,
  stackOf,
  wrapperFrames,
} from '../frames/index.ts';
import { text } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { anyLeakKinds, defaultLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakRecord, LeakReport } from './leak-report.ts';
import { inText, ReportStacks } from './stacks.ts';
import { recordHeadline } from './wording.ts';

/** Frames that are looked at for a function. The functions further out would hide too much. */
const MOST_FRAMES = 256;

/** For which leaks suppressions are written. */
export interface SuppressionsOptions {
  /** Classes of the records. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Show paths below this folder relative to it. */
  readonly root?: string;
}

const OPTIONS = {
  kinds: withDefault(anyLeakKinds, defaultLeakKinds),
  root: text,
} satisfies OptionTable<SuppressionsOptions>;

/**
 * Suppressions for all records of these classes, as the text of a file: `leak:^function$`, with comments that say
 * what each of them hides. `parseSuppressions()` and LeakSanitizer read it. With it, the same report has no record of
 * these classes left, except records whose stacks have no names; comments say how many those are.
 */
export function formatSuppressions(report: LeakReport, options: SuppressionsOptions = {}): string {
  const { kinds, root } = readOptions('formatSuppressions', options, OPTIONS);
  const { named, nameless } = groupedByName(report.of(kinds));
  const stacks = new ReportStacks(root, inText, wrapperFrames([], report.allocates));
  const suppressions = [...named].map(([name, records]) => {
    const comments = records.map((record) => comment(record, stacks));
    return `${comments.join('')}leak:${exactPattern(name)}\n`;
  });
  if (nameless > 0) suppressions.push(`# ${nameless} more without names, which no pattern can tell apart\n`);
  return suppressions.join('\n');
}

function comment(record: LeakRecord, stacks: ReportStacks): string {
  const place = stacks.place(stackOf(record, 'frames'));
  const where =
    place === null || place.file === '' ? '' : `, ${relativePath(place.file, stacks.root)}:${place.line}`;
  return `# ${recordHeadline(record, stacks)}${where}\n`.replace(/[\r\n]+(?!$)/g, ' ');
}

/**
 * The records by the function that stands for them in a suppression, the narrowest functions first. The number of
 * records without one is `nameless`.
 */
function groupedByName(records: readonly LeakRecord[]): {
  named: ReadonlyMap<string, readonly LeakRecord[]>;
  nameless: number;
} {
  const namesOf = foldStacks<ReadonlySet<string>>(new Set(), (outer, { function: name }) =>
    name === '' || outer.has(name) ? outer : new Set(outer).add(name),
  );
  const stacks = records.map((record) => stackOf(record, 'frames'));
  const count = new Map<string, number>();
  for (const stack of stacks) for (const name of namesOf(stack)) count.set(name, (count.get(name) ?? 0) + 1);
  // A library's function would hide the leaks of every caller, also of those that do not leak today.
  const breadth = ({ function: name, file }: Frame): number =>
    count.get(name)! + (isLibraryFile(file) ? records.length : 0);
  const choices = records.map((record, i) => {
    const frame = narrowestFrame(stacks[i]!, breadth);
    return { record, stack: stacks[i]!, frame, breadth: frame === null ? 0 : breadth(frame) };
  });
  choices.sort((a, b) => a.breadth - b.breadth);

  const named = new Map<string, LeakRecord[]>();
  let nameless = 0;
  for (const { record, stack, frame } of choices) {
    const names = namesOf(stack);
    // Where a narrower suppression hides the record already, one of its own would be unused.
    const hidden = [...(named.size < names.size ? named.keys() : names)].find(
      (name) => named.has(name) && names.has(name),
    );
    if (hidden !== undefined) named.get(hidden)!.push(record);
    else if (frame !== null) named.set(frame.function, [record]);
    else nameless++;
  }
  return { named, nameless };
}

function narrowestFrame(stack: Stack, breadth: (frame: Frame) => number): Frame | null {
  let best: Frame | null = null;
  for (let at = stack, n = 0; at.depth > 0 && n < MOST_FRAMES; at = at.caller, n++) {
    if (at.frame.function !== '' && (best === null || breadth(at.frame) < breadth(best))) best = at.frame;
  }
  return best;
}

/** A pattern for this name. White space at its ends and in lines of its own would be lost in a file. */
function exactPattern(name: string): string {
  return `^${name.replace(/[\r\n\t]+|^\s+|\s+$/g, '*')}$`;
}
