// A lost document as every format shows it: one record with its root, what hangs on it, and the sums.

import { describe, expect, test } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import {
  encodeLeakProfile,
  formatText,
  type LeakPart,
  LeakReport,
  sumOf,
  suppress,
  suppressionsOf,
  toJson,
} from '../../src/report/index.ts';
import {
  applyBaseline,
  baselineOf,
  formatBaseline,
  formatGitHub,
  formatJUnit,
  parseBaseline,
  toSarif,
} from '../../src/report/writers.ts';
import { frame, record } from '../support/sample-report.ts';

const root = '/home/app';
const main = frame('main', '/home/app/main.c:40:3', { startLine: 30 });
const load = frame('load', '/home/app/document.c:10:5', { startLine: 8 });
const node = frame('node_new', '/home/app/document.c:20:12', { startLine: 18 });
const text = frame('text_copy', '/home/app/document.c:30:12', { startLine: 28 });

const part = (
  under: number,
  blocks: number,
  bytes: number,
  ...frames: readonly ReturnType<typeof frame>[]
): LeakPart => ({
  under,
  blocks,
  bytes,
  frames,
  sample: null,
});

// Nodes hang on the document, texts on the nodes. The nodes were allocated by two callers.
const parts = [
  part(-1, 3, 60, node, load, main),
  part(0, 2, 40, node, main),
  part(1, 5, 25, text, node, main),
];
const document = record([load, main], { blocks: 1, bytes: 24, parts, indirect: sumOf(parts) });
const report = new LeakReport({
  program: 'document.wasm',
  records: [
    record([frame('other', '/home/app/other.c:5:1', { startLine: 1 }), main], { bytes: 100 }),
    document,
  ],
});

test('the document is the largest record, and the sums of the classes are those of the blocks', () => {
  expect(report.records.map(({ bytes, indirect }) => [bytes, indirect])).toEqual([
    [24, { blocks: 10, bytes: 125 }],
    [100, { blocks: 0, bytes: 0 }],
  ]);
  expect(report.totals).toEqual({
    definite: { blocks: 2, bytes: 124 },
    indirect: { blocks: 10, bytes: 125 },
    possible: { blocks: 0, bytes: 0 },
    reachable: { blocks: 0, bytes: 0 },
    total: { blocks: 12, bytes: 249 },
  });
});

test('the text has one record, and on request what hangs on it', () => {
  const headline = 'definite leak: 149 bytes (24 direct, 125 indirect in 10 blocks)\n';
  const short = formatText(report, { root });
  expect(short).toContain(headline);
  expect(short).not.toContain('text_copy');
  expect(
    short.endsWith('document.wasm: definite 124 bytes in 2 blocks, indirect 125 bytes in 10 blocks\n'),
  ).toBe(true);
  expect(formatText(report, { root, tree: true })).toContain(`\
${headline}  at load (document.c:10:5)
  at main (main.c:40:3)
  └─ 100 bytes in 5 blocks: node_new (document.c:20:12)
     └─ 25 bytes in 5 blocks: text_copy (document.c:30:12)
`);
});

test('several roots of one context say how many they are', () => {
  const twice = record([load, main], { blocks: 2, bytes: 48, parts, indirect: sumOf(parts) });
  expect(formatText(new LeakReport({ records: [twice] }))).toContain(
    'definite leak: 173 bytes (48 direct in 2 blocks, 125 indirect in 10 blocks)\n',
  );
});

describe('JSON', () => {
  test('has the tree by places', () => {
    const [first] = toJson(report, { root }).records;
    expect(first).toMatchObject({
      kind: 'definite',
      blocks: 1,
      bytes: 24,
      indirect: { blocks: 10, bytes: 125 },
    });
    const [nodes] = first!.tree!;
    expect(nodes).toMatchObject({
      blocks: 5,
      bytes: 100,
      place: { function: 'node_new', file: 'document.c', line: 20 },
    });
    expect(nodes!.tree).toMatchObject([{ blocks: 5, bytes: 25, place: { function: 'text_copy' }, tree: [] }]);
  });

  test('of version 1 has a record for each class and calling context', () => {
    const { version, records, totals } = toJson(report, { root, version: 1 });
    expect(version).toBe(1);
    expect(records.map(({ kind, bytes, stack }) => [kind, bytes, stack[0]!.function])).toEqual([
      ['definite', 100, 'other'],
      ['indirect', 60, 'node_new'],
      ['indirect', 40, 'node_new'],
      ['indirect', 25, 'text_copy'],
      ['definite', 24, 'load'],
    ]);
    for (const each of records)
      expect(Object.keys(each)).toEqual(['kind', 'blocks', 'bytes', 'stack', 'sample']);
    expect(totals).toEqual(toJson(report).totals);
  });

  test('of another version is rejected', () => {
    expect(() => toJson(report, { version: 3 as 2 })).toThrow(/version/);
  });
});

test('GitHub, JUnit and SARIF have one finding for the document', () => {
  expect(formatGitHub(report, { root }).match(/^::error/gm)).toHaveLength(2);
  const junit = formatJUnit(report, { root });
  expect(junit.match(/<failure /g)).toHaveLength(2);
  expect(junit).toContain('149 bytes (24 direct, 125 indirect in 10 blocks)');
  // The class is neither passed nor a failure of its own.
  expect(junit).not.toContain('no indirect leaks');
  const { runs } = toSarif(report, { root }) as { runs: { results: { properties: object }[] }[] };
  expect(runs[0]!.results.map(({ properties }) => properties)).toEqual([
    { kind: 'definite', blocks: 1, bytes: 24, indirectBlocks: 10, indirectBytes: 125 },
    { kind: 'definite', blocks: 1, bytes: 100, indirectBlocks: 0, indirectBytes: 0 },
  ]);
});

test('a profile has all blocks where they were allocated', () => {
  const samples = [...HeapProfile.decode(encodeLeakProfile(report)).samples()];
  const bytes = (kind: string) =>
    samples
      .filter(({ labels }) => labels.leak === kind)
      .reduce((sum, { values }) => sum + Number(values[1]), 0);
  expect([bytes('definite'), bytes('indirect')]).toEqual([124, 125]);
  const only = HeapProfile.decode(encodeLeakProfile(report, { kinds: ['indirect'] }));
  expect([...only.samples()]).toHaveLength(3);
});

describe('classes', () => {
  test('indirectly lost blocks alone are records of their own', () => {
    expect(report.of(['indirect']).map(({ bytes }) => bytes)).toEqual([60, 40, 25]);
    expect(report.indirect).toMatchObject({ blocks: 10, bytes: 125 });
    expect(report.isClean(['indirect'])).toBe(false);
    expect(report.of(['definite', 'indirect'])).toEqual(report.records);
  });
});

describe('suppressions and baselines', () => {
  test('a suppression of the root takes the whole structure, and one of a part is in use', () => {
    const hidden = suppress(report, suppressionsOf(['^load$', '^other$', '^text_copy$', '^nothing$']));
    expect(hidden.total).toEqual({ blocks: 0, bytes: 0 });
    expect(hidden.unusedSuppressions).toEqual(['<code>:4: leak:^nothing$']);
    const partly = suppress(report, suppressionsOf(['^text_copy$']));
    expect(partly.totals).toEqual(report.totals);
    expect(partly.unusedSuppressions).toEqual([]);
    expect(formatText(hidden)).toContain('suppressed: 249 bytes in 12 blocks\n');
  });

  test('a baseline knows the structure by its root', () => {
    const baseline = parseBaseline(formatBaseline(baselineOf(report, { root })), 'leaks.json');
    expect(baseline.leaks.map(({ bytes }) => bytes).sort((a, b) => a - b)).toEqual([100, 149]);
    expect(applyBaseline(report, baseline, { root }).records).toEqual([]);
  });
});
