// Baselines: what counts as the same leak, and files that cannot be used.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BaselineError } from '../../src/errors.ts';
import type { Frame, HeapFault, HeapFaultKind } from '../../src/frames/index.ts';
import { LeakReport, leakKinds } from '../../src/report/index.ts';
import {
  applyBaseline,
  baselineOf,
  formatBaseline,
  parseBaseline,
  stackFingerprint,
} from '../../src/report/writers.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

const ROOT = '/home/app';
const at = (line: number, startLine = 10) => frame('f', `${ROOT}/f.c:${line}:5`, { startLine });
const main = frame('main', `${ROOT}/main.c:40:3`, { startLine: 30 });
const reportOf = (...records: ReturnType<typeof record>[]) => new LeakReport({ records });
const baselineFor = (report: LeakReport) =>
  parseBaseline(formatBaseline(baselineOf(report, { root: ROOT, kinds: leakKinds })), 'base.json');
const newOnes = (before: LeakReport, now: LeakReport, root = ROOT) =>
  applyBaseline(now, baselineFor(before), { root }).records;

test('a baseline written and read again knows every leak of its report', () => {
  const after = applyBaseline(sampleReport(), baselineFor(sampleReport()), { root: ROOT });
  expect(after.records).toEqual([]);
  expect(after.known).toHaveLength(4);
  expect(after.errors).toEqual([]);
  expect(after.knownErrors).toHaveLength(1);
  expect(after.isClean()).toBe(true);
  expect(after.toString()).toContain('known from the baseline: 4 records, 1 heap fault');
  // Written again, it is the same file.
  expect(formatBaseline(baselineOf(after, { root: ROOT, kinds: leakKinds }))).toBe(
    formatBaseline(baselineOf(sampleReport(), { root: ROOT, kinds: leakKinds })),
  );
});

test('a heap fault is known by its kind and the stack where it happened', () => {
  const fault = (kind: HeapFaultKind, ...frames: Frame[]): HeapFault => ({
    kind,
    address: 16,
    block: null,
    frames,
    allocatedAt: null,
    freedAt: null,
  });
  const faultsOf = (...errors: HeapFault[]) => new LeakReport({ records: [], errors });
  const before = faultsOf(fault('double-free', at(12), main), fault('double-free', at(12), main));
  const text = formatBaseline(baselineOf(before, { root: ROOT }));
  expect(text).toContain('"leaks": [],\n  "faults": [\n    {\n      "kind": "double-free", "count": 2,\n');
  const left = (...errors: HeapFault[]) =>
    applyBaseline(faultsOf(...errors), parseBaseline(text, 'base.json'), { root: ROOT }).errors.length;
  expect(left(...before.errors)).toBe(0);
  expect(left(fault('double-free', at(52, 50), main))).toBe(0);
  expect(left(fault('interior-free', at(12), main))).toBe(1);
  expect(left(fault('double-free', main))).toBe(1);
  // One that moved within its function is known, a second one beside it is not.
  expect(left(fault('double-free', at(13), main), fault('double-free', at(13), main))).toBe(0);
  expect(left(fault('double-free', at(12), main), fault('double-free', at(13), main))).toBe(1);
  // A file of an older release knows no faults.
  const old = formatBaseline({ leaks: [] });
  expect(old).not.toContain('faults');
  expect(applyBaseline(before, parseBaseline(old, 'base.json')).errors).toHaveLength(2);
});

test.each([
  ['"kind": "double-free"', '"kind": "definite"', /"kind" must be one of double-free/],
  ['"count": 1', '"count": 0', /"count" must be a whole number/],
  ['"count": 1,', '', /"count" is missing/],
])('a malformed entry of a heap fault is rejected (%s)', (from, to, message) => {
  const text = `{"format":"heapline-leak-baseline","version":1,"leaks":[],"faults":[
{"kind": "double-free", "count": 1, "stack": []}]}`;
  expect(parseBaseline(text, 'base.json').faults).toHaveLength(1);
  expect(() => parseBaseline(text.replace(from, to), 'base.json')).toThrow(message);
  expect(() => parseBaseline(text.replace(from, to), 'base.json')).toThrow(/^base\.json:2: /);
});

test('the file has one frame per line, paths relative to the root and lines relative to the function', () => {
  expect(formatBaseline(baselineOf(reportOf(record([at(12), main])), { root: ROOT }))).toBe(`{
  "format": "heapline-leak-baseline",
  "version": 1,
  "leaks": [
    {
      "kind": "definite", "blocks": 1, "bytes": 10,
      "stack": [
        { "function": "f", "file": "f.c", "line": 2 },
        { "function": "main", "file": "main.c", "line": 10 }
      ]
    }
  ]
}
`);
});

test('edits elsewhere in the file change nothing', () => {
  expect(newOnes(reportOf(record([at(12, 10), main])), reportOf(record([at(52, 50), main])))).toEqual([]);
});

test('the project may lie in another folder', () => {
  const moved = reportOf(
    record([
      { ...at(12), file: '/ci/build/f.c' },
      { ...main, file: '/ci/build/main.c' },
    ]),
  );
  expect(newOnes(reportOf(record([at(12), main])), moved, '/ci/build')).toEqual([]);
});

test('a leak whose line moved within its function is still known', () => {
  expect(newOnes(reportOf(record([at(12), main])), reportOf(record([at(17), main])))).toEqual([]);
});

test('a second leak beside a known one in the same function is new', () => {
  const second = record([at(15), main]);
  expect(newOnes(reportOf(record([at(12), main])), reportOf(record([at(12), main]), second))).toEqual([
    second,
  ]);
});

test('when both moved and one was added, one is new', () => {
  const now = reportOf(record([at(14), main]), record([at(16), main]), record([at(19), main]));
  expect(newOnes(reportOf(record([at(12), main]), record([at(13), main])), now)).toEqual([
    record([at(19), main]),
  ]);
});

test('the same function reached from another caller is new', () => {
  const other = record([at(12), frame('other', `${ROOT}/other.c:4`, { startLine: 1 }), main]);
  expect(newOnes(reportOf(record([at(12), main])), reportOf(other))).toEqual([other]);
});

test('more blocks in a known stack are known, a graver class is new, a milder one known', () => {
  const possible = reportOf(record([at(12)], { kind: 'possible' }));
  expect(newOnes(possible, reportOf(record([at(12)], { kind: 'possible', blocks: 99 })))).toEqual([]);
  expect(newOnes(possible, reportOf(record([at(12)], { kind: 'definite' })))).toHaveLength(1);
  expect(newOnes(possible, reportOf(record([at(12)], { kind: 'reachable' })))).toEqual([]);
  const indirect = reportOf(record([at(12)], { kind: 'indirect' }));
  expect(newOnes(indirect, reportOf(record([at(12)], { kind: 'definite' })))).toEqual([]);
});

test('the depth of a recursion and frames of the host do not make a leak new', () => {
  const walk = frame('walk', `${ROOT}/w.c:5`, { startLine: 1 });
  const test1 = frame('test1', '/t.test.ts:3', { language: 'js' });
  const test2 = frame('test2', '/t.test.ts:9', { language: 'js' });
  const now = reportOf(record([at(12), walk, walk, walk, main, test2]));
  expect(newOnes(reportOf(record([at(12), walk, main, test1])), now)).toEqual([]);
});

test('an updated baseline keeps known leaks that still leak, adds new ones and drops those that are gone', () => {
  const before = baselineFor(reportOf(record([at(12), main]), record([frame('gone', 'g.c:1')])));
  const now = applyBaseline(reportOf(record([at(12), main]), record([frame('new', 'n.c:1')])), before, {
    root: ROOT,
  });
  const updated = baselineOf(now, { root: ROOT });
  expect(updated.leaks.map((leak) => leak.stack[0]!.function)).toEqual(['f', 'new']);
});

test('stacks that a baseline takes for one have one fingerprint', () => {
  const print = (...frames: Parameters<typeof frame>[]) =>
    stackFingerprint(
      frames.map((f) => frame(...f)),
      ROOT,
    );
  expect(stackFingerprint([at(12, 10)], ROOT)).toBe(stackFingerprint([at(52, 50)], ROOT));
  expect(stackFingerprint([at(12)], ROOT)).not.toBe(stackFingerprint([at(13)], ROOT));
  expect(print(['f', 'a.c'])).not.toBe(print(['f', 'b.c']));
});

const good = formatBaseline(baselineOf(sampleReport(), { root: ROOT, kinds: leakKinds }));

test.each([
  ['', 1, /text ends where a value must follow/],
  ['{\n  "a": 1,\n}', 3, /} stands where a name in quotes must/],
  ['{\n "a": "x\n"}', 2, /not a JSON string/],
  ['{"a": 01}', 1, /stands where a comma or } must/],
  ['{"a": 1} x', 1, /"x" is not JSON/],
  ['{"a": 1,\n "a": 2}', 2, /given twice/],
  [`${'['.repeat(100)}`, 1, /nested deeper/],
  ['[]', 1, /not a leak baseline/],
  ['{\n"format": "x"}', 2, /not a leak baseline/],
  [good.replace('"version": 1', '"version": 2'), 3, /version 1 of baselines only/],
  [good.replace('"kind": "definite"', '"kind": "lost"'), 19, /"kind" must be one of/],
  [good.replace('"file": "src/cache.c"', '"file": 7'), 8, /"file" must be a string/],
  [good.replace('"blocks": 1,', '"blocks": -1,'), 6, /"blocks" must be a whole number/],
  [good.replace('"stack"', '"stock"'), 5, /"stack" is missing/],
  ['{"format":"heapline-leak-baseline","version":1,"leaks":[\n3]}', 2, /expected an object/],
])('the malformed baseline %# is rejected with its line', (text, line, message) => {
  const read = () => parseBaseline(text, 'base.json');
  expect(read).toThrow(BaselineError);
  expect(read).toThrow(message);
  expect(read).toThrow(new RegExp(`^base\\.json:${line}: `));
});

test('a stack that is listed twice is rejected', () => {
  const leak = '{"kind":"definite","blocks":1,"bytes":1,"stack":[]}';
  const text = `{"format":"heapline-leak-baseline","version":1,"leaks":[${leak},\n${leak}]}`;
  expect(() => parseBaseline(text, 'b')).toThrow(/^b:2: this stack is listed twice/);
});

test('the reader accepts the texts that JSON.parse accepts and rejects the others with a BaselineError', () => {
  const head = '{"format":"heapline-leak-baseline","version":1,"leaks":[],"more":';
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.nat(), fc.string({ maxLength: 2 }), (json, position, noise) => {
      const at = position % (json.length + 1);
      const text = `${head}${json.slice(0, at)}${noise}${json.slice(at)}}`;
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      try {
        expect(parseBaseline(text, 'fuzz').leaks).toEqual([]);
        expect(valid).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(BaselineError);
        // A name given twice is legal JSON, and a mistake in a file that people merge.
        if (valid) expect((error as Error).message).toMatch(/given twice/);
      }
    }),
    { numRuns: 500 },
  );
});

test('a mutated baseline is read or rejected with a BaselineError', () => {
  fc.assert(
    fc.property(
      fc.nat(good.length - 1),
      fc.nat(20),
      fc.string({ unit: 'binary', maxLength: 4 }),
      (at, cut, put) => {
        try {
          applyBaseline(
            sampleReport(),
            parseBaseline(good.slice(0, at) + put + good.slice(at + cut), 'fuzz'),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(BaselineError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('a string of megabytes is read', () => {
  const text = `{"format":"heapline-leak-baseline","version":1,"leaks":[],"x":"${'\\n'.repeat(2_000_000)}"}`;
  expect(parseBaseline(text, 'b').leaks).toEqual([]);
});
