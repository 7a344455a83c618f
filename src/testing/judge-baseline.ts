// Compares what a piece of work allocates with what it allocated when its baseline was written.

import { InvalidArgumentError } from '../errors.ts';
import { quantity, relativePath } from '../frames/index.ts';
import { rule, textNotEmpty } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import {
  type AllocationBaseline,
  type AllocationCounts,
  baselinePath,
  COUNTS,
  readAllocationBaseline,
  writeAllocationBaseline,
} from './allocation-baseline.ts';
import { after, type MeasuredWork, measureWork, type Verdict, type WithHeap } from './judgements.ts';

/** How work is compared with its baseline. */
export interface HeapBaselineOptions {
  /** The part of each count by which it may grow: 0.1 allows a tenth more. Default 0. */
  readonly margin?: number;
  /**
   * Name of the entry in the baseline, after the name of the test. By default a number, when a test has several entries.
   * Needed where the test runner does not tell the name of the test: in node:test and mocha.
   */
  readonly name?: string;
}

const OPTIONS = {
  margin: withDefault(
    rule<number>(
      (value) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY,
      'a number that is not negative',
    ),
    0,
  ),
  name: textNotEmpty(),
} satisfies OptionTable<HeapBaselineOptions>;

/** What the test runner knows. */
export interface Situation {
  readonly testFile: string;
  /** Name of the test; null when it is not known. */
  readonly testName: string | null;
  /** What is written: everything, entries that are missing, or nothing, as for snapshots. */
  readonly update: 'all' | 'new' | 'none';
  /** How a person has the baseline written anew. */
  readonly updateAdvice: string;
  /** Names of all tests in the file; null when they are not known. */
  readonly allTests: readonly string[] | null;
  /** Something that exists once for each run of a test. */
  readonly run: object;
}

const counters = new WeakMap<object, Map<string, number>>();
/** What was said about stale entries. */
const told = new Set<string>();

/** Does the work allocate more than its baseline says? */
export function judgeBaseline(
  caller: string,
  lib: WithHeap,
  work: () => unknown,
  options: HeapBaselineOptions,
  situation: Situation,
): Verdict | Promise<Verdict> {
  const { margin, name } = readOptions(caller, options, OPTIONS);
  const entry = entryOf(caller, name, situation);
  return after(measureWork(lib, work), (measured) => compared(measured, entry, margin, situation));
}

/** The name of an entry: that of its test, with a number from the second entry of a test on, or with a name of its own. */
function entryOf(caller: string, name: string | undefined, { testName, run }: Situation): string {
  if (name !== undefined) return testName === null ? name : `${testName}: ${name}`;
  if (testName === null) {
    throw new InvalidArgumentError(
      'name',
      `${caller}() cannot know the name of the test here: give it one, { name: 'parses a document' }.`,
    );
  }
  let counter = counters.get(run);
  if (counter === undefined) {
    counter = new Map();
    counters.set(run, counter);
  }
  const count = (counter.get(testName) ?? 0) + 1;
  counter.set(testName, count);
  return count === 1 ? testName : `${testName} ${count}`;
}

function compared(measured: MeasuredWork, entry: string, margin: number, situation: Situation): Verdict {
  const path = baselinePath(situation.testFile);
  const baseline = withoutStale(readAllocationBaseline(path), path, situation);
  const now: AllocationCounts = { ...measured.allocated, peak: measured.peak.bytes };
  const known = baseline.get(entry);
  if (known === undefined && situation.update === 'none') {
    return measured.verdict(
      true,
      () =>
        `'${entry}' is not in the baseline ${shown(path)}, and nothing is written here. ${situation.updateAdvice}`,
    );
  }
  if (known === undefined || situation.update === 'all') {
    const { objects, bytes, peak } = now;
    const same = known !== undefined && COUNTS.every((each) => known[each] === now[each]);
    if (!same) writeAllocationBaseline(path, new Map([...baseline, [entry, { objects, bytes, peak }]]));
    return measured.verdict(false, () => `allocated what the baseline ${shown(path)} says now`);
  }
  const worse = COUNTS.filter((each) => now[each] > known[each] * (1 + margin));
  return measured.verdict(worse.length > 0, () => {
    if (worse.length === 0) return `allocated no more than '${entry}' in the baseline ${shown(path)}`;
    const lines = worse.map(
      (each) => `  ${counted(each, now[each])}, ${counted(each, known[each])} in the baseline`,
    );
    const allowed = margin === 0 ? '' : ` (a margin of ${margin * 100} % is allowed)`;
    return `allocated more than '${entry}' in the baseline ${shown(path)}${allowed}:\n${lines.join('\n')}\n${situation.updateAdvice}`;
  });
}

/** The path as people see it: from the folder in which the tests run. */
function shown(path: string): string {
  return relativePath(path, process.cwd());
}

function counted(which: keyof AllocationCounts, count: number): string {
  switch (which) {
    case 'objects':
      return quantity(count, 'block');
    case 'bytes':
      return quantity(count, 'byte');
    case 'peak':
      return `${quantity(count, 'byte')} at one time`;
  }
}

/** Names the entries of tests that the file no longer has. They are removed when everything is written. */
function withoutStale(baseline: AllocationBaseline, path: string, situation: Situation): AllocationBaseline {
  const { allTests, update } = situation;
  if (allTests === null) return baseline;
  const isOf = (entry: string, test: string): boolean =>
    entry.startsWith(test) && /^$|^ \d+$|^: /.test(entry.slice(test.length));
  const stale = [...baseline.keys()].filter((entry) => !allTests.some((test) => isOf(entry, test)));
  if (stale.length === 0) return baseline;
  if (update === 'all') return new Map([...baseline].filter(([name]) => !stale.includes(name)));
  const notice = `${shown(path)}: ${stale.length === 1 ? 'this test exists' : 'these tests exist'} no more: ${stale.map((name) => `'${name}'`).join(', ')}. ${situation.updateAdvice}`;
  if (!told.has(notice)) {
    told.add(notice);
    process.emitWarning(notice, { code: 'HEAPLINE_STALE_BASELINE' });
  }
  return baseline;
}
