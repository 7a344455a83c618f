// The report for people.

import { afterEach, expect, test, vi } from 'vitest';
import { formatText, LeakReport } from '../../src/report/index.ts';
import { formatGitHub, formatJUnit } from '../../src/report/writers.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

afterEach(() => vi.unstubAllEnvs());

test('heap faults come first with their three stacks, then records with stack and first bytes, then the sums', () => {
  expect(formatText(sampleReport(), { root: '/home/app', kinds: ['definite', 'possible'] })).toBe(`\
heap fault: double free: 0x00011040 in list_free
  at list_free (src/list.c:31:5)
  at main (src/main.c:40:10)
  freed before
    at list_pop (src/list.c:25:5)
    at main (src/main.c:40:10)
  allocated
    at node_new (src/list.c:12:17)
    at main (src/main.c:40:10)

definite leak: 1,024 bytes in 4 blocks
  at node_new (src/list.c:12:17) [inlined]
  at list_push (src/list.c:20:3)
  at main (src/main.c:40:10)
  at <anonymous> (test/list.test.ts:7:9)
  0x00011020  68 65 6c 6c 6f 2c 20 22 68 65 61 70 22 20 3c 26  hello, "heap" <&
  0x00011030  3e 00 01 1f 20 61 6e 64 20 74 68 65 20 72 65 73  >... and the res

possible leak: 32 bytes in 1 block allocated in main
  at wasm-function[7]
  at main (src/main.c:40:10)

list.wasm: 1 heap fault, definite 1,024 bytes in 4 blocks, indirect 48 bytes in 2 blocks, \
possible 32 bytes in 1 block, reachable 16 bytes in 1 block
note: C frames are active: pointers in their registers and locals cannot be seen.
`);
});

test('a recursion is one line with its depth, in reports for people and CI', () => {
  const calls = (depth: number) => Array.from({ length: depth }, () => frame('walk', '/a/tree.c:4:9'));
  const report = new LeakReport({
    records: [
      record([frame('leaf', '/a/tree.c:2:3'), ...calls(3000), frame('main', '/a/tree.c:9:1'), ...calls(3)]),
    ],
  });
  const stack = [
    'at leaf (tree.c:2:3)',
    'at walk (tree.c:4:9)',
    '… the same 2,999 times more',
    'at main (tree.c:9:1)',
    'at walk (tree.c:4:9)',
    'at walk (tree.c:4:9)',
    'at walk (tree.c:4:9)',
  ];
  const root = '/a';
  expect(formatText(report, { root })).toContain(`\n  ${stack.join('\n  ')}\n`);
  expect(formatGitHub(report, { root })).toContain(`%0A  ${stack.join('%0A  ')}\n`);
  expect(formatJUnit(report, { root })).toContain(`>    ${stack.join('&#10;    ')}<`);
});

test('a clean report is one line', () => {
  expect(formatText(new LeakReport({ records: [], program: 'a.wasm' }))).toBe(
    'a.wasm: no leaks, no heap faults\n',
  );
});

test('only the ten largest records are shown and the others are counted, unless all are asked for', () => {
  const records = Array.from({ length: 12 }, (_, i) => record([frame(`f${i}`)], { bytes: i + 1, blocks: 2 }));
  const report = new LeakReport({ records });
  const short = formatText(report);
  expect(short.match(/^definite leak/gm)).toHaveLength(10);
  expect(short).toContain('at f2\n');
  expect(short).not.toContain('at f1\n');
  expect(short).toContain('… and 2 more records: 3 bytes in 4 blocks\n');
  const all = formatText(report, { all: true });
  expect(all.match(/^definite leak/gm)).toHaveLength(12);
  expect(all).not.toContain('more record');
});

test('there is no colour unless it is asked for, and NO_COLOR overrides', () => {
  vi.stubEnv('NO_COLOR', '');
  expect(formatText(sampleReport())).not.toContain('\u001b[');
  expect(formatText(sampleReport(), { color: true })).toContain('\u001b[31m');
  vi.stubEnv('NO_COLOR', '1');
  expect(formatText(sampleReport(), { color: true })).not.toContain('\u001b[');
});

test('escape sequences in the names of a module do not reach the terminal', () => {
  const text = formatText(new LeakReport({ records: [record([frame('\u001b[2Jf\u009b')])] }));
  expect(text).toContain('at �[2Jf�\n');
});

test('suppressed and known records and unused suppressions are named below the sums', () => {
  const text = formatText(
    sampleReport().with({
      suppressed: [{ record: record([], { blocks: 3, bytes: 30 }), suppression: 'leak:x' }],
      unusedSuppressions: ['leaks.supp:4: leak:old_*'],
      known: [record([])],
    }),
  );
  expect(text).toContain('\nsuppressed: 30 bytes in 3 blocks\n');
  expect(text).toContain('\nknown from the baseline: 1 record\n');
  expect(text).toContain('\nunused suppression: leaks.supp:4: leak:old_*\n');
});
