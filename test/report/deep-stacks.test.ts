// Reports of deep stacks are small in every format and quickly made, and they say how many frames they leave out.
// Suppressions and baselines see all frames.

import { expect, test } from 'vitest';
import {
  type Frame,
  isGap,
  ShownStacks,
  type Stack,
  StackTree,
  stackOfFrames,
  withStacks,
} from '../../src/frames/index.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import {
  encodeLeakProfile,
  formatJson,
  formatText,
  LeakReport,
  parseSuppressions,
  suppress,
  suppressionsOf,
} from '../../src/report/index.ts';
import {
  applyBaseline,
  baselineOf,
  formatBaseline,
  formatGitHub,
  formatJUnit,
  formatSarif,
  parseBaseline,
  stackFingerprint,
} from '../../src/report/writers.ts';
import { FULL } from '../support/full.ts';
import { ownTime } from '../support/own-time.ts';
import { frame, record } from '../support/sample-report.ts';

const DEPTH = 10_000;
const MEGABYTE = 1e6;
const main = frame('main', '/home/app/main.c:9:3');

/** A report with one record at each depth of calls that `way` chooses. */
function reportOf(way: (depth: number) => Frame): LeakReport {
  const table = new StackTree();
  let stack: Stack = table.push([main]);
  const records = Array.from({ length: DEPTH }, (_, depth) => {
    stack = table.push([way(depth)], stack);
    return withStacks(
      {
        kind: 'definite' as const,
        blocks: 1,
        bytes: 16,
        sample: null,
        indirect: { blocks: 0, bytes: 0 },
        parts: [],
      },
      { frames: stack },
    );
  });
  return new LeakReport({ records, program: 'deep.wasm' });
}

const walk = frame('walk', '/home/app/walk.c:5:3', { startLine: 1 });
const ways = Array.from({ length: 8 }, (_, i) =>
  frame(`way${i}`, `/home/app/way.c:${i + 1}0:3`, { startLine: 1 }),
);
let state = 1;
const anyWay = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return ways[state >>> 29]!;
};
const shapes: readonly (readonly [string, LeakReport])[] = [
  ['one function that calls itself', reportOf(() => walk)],
  ['five functions in turn', reportOf((depth) => ways[depth % 5]!)],
  ['functions in no order', reportOf(anyWay)],
];
const root = '/home/app';
const writers: readonly (readonly [string, (report: LeakReport) => string | Uint8Array])[] = [
  ['text', (report) => formatText(report, { root })],
  ['all of the text', (report) => formatText(report, { root, all: true })],
  ['JSON', (report) => formatJson(report, { root })],
  ['SARIF', (report) => formatSarif(report, { root })],
  ['JUnit', (report) => formatJUnit(report, { root })],
  ['GitHub', (report) => formatGitHub(report, { root })],
  ['all of GitHub', (report) => formatGitHub(report, { root, all: true })],
  ['pprof', (report) => encodeLeakProfile(report)],
];

test.each(
  shapes.flatMap(([shape, report]) => writers.map(([name, write]) => [name, shape, report, write] as const)),
)(
  '%s of 10,000 levels of %s is small, quickly made, and says how much it leaves out',
  (_name, _shape, report, write) => {
    let written: string | Uint8Array = '';
    const took = ownTime(() => {
      written = write(report);
    });
    expect(written.length).toBeLessThan(20 * MEGABYTE);
    expect(took).toBeLessThan(10_000);
    const text = typeof written === 'string' ? written : HeapProfile.decode(written).comments.join('\n');
    expect(/[\d,]+ (frames left out|times more)|stands for [\d,]+ calls/.test(text)).toBe(true);
  },
);

test('shown and omitted frames together are all the frames of a stack', () => {
  for (const [, report] of shapes) {
    const shown = new ShownStacks({ most: 128, total: 1000, least: 4 });
    for (const { frames } of report.records.filter((_, index) => index % 997 === 0)) {
      const items = shown.of(stackOfFrames(frames));
      const count = items.reduce((sum, item) => sum + (isGap(item) ? item.omitted : 1), 0);
      expect(count).toBe(frames.length);
      expect(items.length).toBeLessThan(200);
      expect(items[0]).toMatchObject({ function: frames[0]!.function });
      expect(items.at(-1)).toMatchObject({ function: 'main' });
      // Each item stands where its frame does, and repeated frames are those before the gap.
      let at = 0;
      for (const item of items) {
        if (!isGap(item)) expect(item).toEqual(frames[at]);
        else {
          // One expectation for the whole gap, because a hundred thousand of them take most of the test's time.
          const { omitted, period } = item;
          const differing = Array.from({ length: period > 0 ? omitted : 0 }, (_, i) => at + i).filter(
            (index) => frames[index] !== frames[index - period],
          );
          expect(differing).toEqual([]);
        }
        at += isGap(item) ? item.omitted : 1;
      }
    }
  }
});

test('a cycle of calls is shown once, with the number of its repetitions', () => {
  const [a, b, c] = ways as [Frame, Frame, Frame];
  const cycle = Array.from({ length: 300 }, () => [a, b, c]).flat();
  const text = formatText(new LeakReport({ records: [record([...cycle, main])] }), { root });
  expect(text).toContain(`
  at way0 (way.c:10:3)
  at way1 (way.c:20:3)
  at way2 (way.c:30:3)
  … the same 3 frames 299 times more
  at main (main.c:9:3)
`);
});

test('JSON has an entry for omitted frames, in the shape of the others', () => {
  const [leak] = JSON.parse(formatJson(shapes[2]![1], { root })).records;
  const gaps = leak.stack.filter((entry: { omitted?: number }) => entry.omitted !== undefined);
  const [gap] = gaps.slice(-1);
  expect(gap).toEqual({
    function: expect.stringMatching(/^\[[\d,]+ frames left out\]$/),
    file: '',
    line: 0,
    column: 0,
    inlined: false,
    language: 'c',
    omitted: expect.any(Number),
  });
  expect(gap.omitted).toBeGreaterThan(1);
});

test('records of a recursion are one result of SARIF, with their sums', () => {
  const { results } = JSON.parse(formatSarif(shapes[0]![1], { root })).runs[0];
  expect(results).toHaveLength(1);
  expect(results[0]).toMatchObject({
    occurrenceCount: DEPTH,
    message: { text: 'definite leak: 160,000 bytes in 10,000 blocks allocated in walk' },
    properties: { blocks: DEPTH, bytes: 16 * DEPTH },
  });
});

/** The shapes that are filtered: every day the one without order, whose stacks take the most time. */
const filtered = FULL ? shapes : shapes.slice(2);

test('suppressions and predicates see every frame in little time', () => {
  const took = ownTime(() => {
    for (const [, report] of filtered) {
      const middle = suppress(report, parseSuppressions('leak:main\n', 'leaks.supp'));
      expect(middle.records).toEqual([]);
      expect(middle.suppressed).toHaveLength(DEPTH);
      const none = suppress(report, suppressionsOf(['^nowhere$', (leak) => leak.frames.at(-1) !== main]));
      expect(none.records).toHaveLength(DEPTH);
    }
  });
  expect(took).toBeLessThan(30_000);
});

test('a baseline recognises deep stacks and stays small; another frame in the middle makes another stack', () => {
  for (const [, report] of filtered) {
    const text = formatBaseline(baselineOf(report, { root }));
    expect(text.length).toBeLessThan(60 * MEGABYTE);
    const after = applyBaseline(report, parseBaseline(text, 'base.json'), { root });
    expect(after.records).toEqual([]);
    expect(after.known).toHaveLength(DEPTH);
  }
  const deep = [...shapes[2]![1].records].find(({ frames }) => frames.length > 9000)!.frames;
  const other = deep.with(5000, frame('other', '/home/app/other.c:1'));
  expect(stackFingerprint(other, root)).not.toBe(stackFingerprint(deep, root));
  const moved = deep.map((each) =>
    each === main ? main : { ...each, line: each.line + 7, startLine: each.startLine + 7 },
  );
  expect(stackFingerprint(moved, root)).toBe(stackFingerprint(deep, root));
});

test('the number of repetitions of a cycle does not make a leak new, not even in older baselines', () => {
  const [a, b] = [
    frame('a', '/home/app/a.c:2', { startLine: 1 }),
    frame('b', '/home/app/b.c:2', { startLine: 1 }),
  ];
  const times = (count: number) =>
    record([walk, ...Array.from({ length: count }, () => [a, b]).flat(), main]);
  const entry = (name: string, file: string, line: number) => ({ function: name, file, line });
  const older = (count: number) => ({
    kind: 'definite',
    blocks: 1,
    bytes: 10,
    stack: [
      entry('walk', 'walk.c', 4),
      ...Array.from({ length: count }, () => [entry('a', 'a.c', 1), entry('b', 'b.c', 1)]).flat(),
      { function: 'main', file: 'main.c', line: null },
    ],
  });
  const baseline = { format: 'heapline-leak-baseline', version: 1, leaks: [older(3), older(5)] };
  const parsed = parseBaseline(JSON.stringify(baseline), 'base.json');
  expect(parsed.leaks).toHaveLength(1);
  expect(parsed.leaks[0]).toMatchObject({ blocks: 2, bytes: 20 });
  const report = new LeakReport({ records: [times(1), times(4), times(900)] });
  expect(applyBaseline(report, parsed, { root }).records).toEqual([]);
});

test('String(report) is its text', () => {
  const report = new LeakReport({ records: [record([walk, main])], program: 'a.wasm' });
  expect(`${report}`).toBe(formatText(report).trimEnd());
});
