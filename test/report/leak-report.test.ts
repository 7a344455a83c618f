// The model: order, sums, classes, and the reading of class names.

import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { LeakError, LeakReport, leakKinds, parseLeakKinds } from '../../src/report/index.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

test('records are sorted by bytes, whatever the order of the scan', () => {
  const report = sampleReport();
  expect(report.records.map((r) => r.bytes)).toEqual([1024, 48, 32, 16]);
  const reversed = new LeakReport({ records: [...report.records].reverse() });
  expect(reversed.records).toEqual(report.records);
});

test('records of equal size are ordered by class and then by stack', () => {
  const a = record([frame('a', 'a.c:1')]);
  const b = record([frame('b', 'b.c:1')]);
  const reachable = record([frame('a', 'a.c:1')], { kind: 'reachable' });
  expect(new LeakReport({ records: [reachable, b, a] }).records).toEqual([a, b, reachable]);
});

test('totals sum blocks and bytes per class and over all', () => {
  const report = sampleReport();
  expect(report.totals).toEqual({
    definite: { blocks: 4, bytes: 1024 },
    indirect: { blocks: 2, bytes: 48 },
    possible: { blocks: 1, bytes: 32 },
    reachable: { blocks: 1, bytes: 16 },
    total: { blocks: 8, bytes: 1120 },
  });
  expect(report.definite.blocks).toBe(4);
  expect(report.definite.records).toHaveLength(1);
  expect(report.total).toEqual({ blocks: 8, bytes: 1120 });
});

test('a report is clean when it has only classes that are not asked for', () => {
  const reachable = new LeakReport({ records: [record([], { kind: 'reachable' })] });
  expect(reachable.isClean()).toBe(true);
  expect(reachable.isClean(['reachable'])).toBe(false);
});

test('a heap fault alone makes a report unclean', () => {
  expect(sampleReport().with({ records: [] }).isClean()).toBe(false);
});

test('class names are read in any order, with blanks, and "all" means all', () => {
  expect(parseLeakKinds('possible, definite')).toEqual(['definite', 'possible']);
  expect(parseLeakKinds('all')).toEqual(leakKinds);
});

test('an unknown class name is rejected by name', () => {
  expect(() => parseLeakKinds('definite,lost', '--leak-kinds')).toThrow(InvalidArgumentError);
  expect(() => parseLeakKinds('definite,lost')).toThrow(/"lost".*definite, indirect, possible, reachable/);
  expect(() => parseLeakKinds(' , ')).toThrow(InvalidArgumentError);
});

test('a report rejects questions about classes that do not exist', () => {
  const report = new LeakReport({ records: [] });
  for (const ask of [
    () => report.isClean(['definit' as never]),
    () => report.of(['definite', 'lost' as never]),
    () => report.of('definite' as never),
  ]) {
    expect(ask).toThrow(InvalidArgumentError);
  }
  expect(report.of([])).toEqual([]);
});

test('the message of a LeakError is the report, cut to the classes that failed', () => {
  const error = new LeakError(sampleReport(), { kinds: ['definite'], root: '/home/app' });
  expect(error.code).toBe('HEAPLINE_LEAK');
  expect(error.message).toContain('definite leak: 1,024 bytes in 4 blocks');
  expect(error.message).toContain('at node_new (src/list.c:12:17) [inlined]');
  expect(error.message).not.toContain('text_copy');
});

test('console.log prints the text of a report, alone and inside other values', () => {
  const report = sampleReport();
  expect(inspect(report)).toBe(String(report));
  expect(inspect({ report })).not.toContain('_LeakReport');
});
