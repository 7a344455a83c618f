// The file of a baseline: it reads what it writes, sorts its entries, and names the line of a mistake.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BaselineError } from '../../src/errors.ts';
import {
  type AllocationCounts,
  baselinePath,
  formatAllocationBaseline,
  parseAllocationBaseline,
} from '../../src/testing/allocation-baseline.ts';

const counts = fc.record<AllocationCounts>({
  objects: fc.nat(),
  bytes: fc.maxSafeNat(),
  peak: fc.maxSafeNat(),
});

test('a baseline is read as it was written, whatever the names of tests are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), counts), { selector: ([name]) => name }),
      (entries) => {
        const text = formatAllocationBaseline(new Map(entries));
        const read = parseAllocationBaseline(text, 'x.json');
        expect(new Map(read)).toEqual(new Map(entries));
        // The order in which tests run changes nothing.
        expect(formatAllocationBaseline(new Map(entries.toReversed()))).toBe(text);
        expect(formatAllocationBaseline(read)).toBe(text);
      },
    ),
  );
});

test('each entry takes one line, in the order of names', () => {
  const text = formatAllocationBaseline(
    new Map([
      ['b > parses', { objects: 2, bytes: 64, peak: 48 }],
      ['a "quoted"', { objects: 0, bytes: 0, peak: 0 }],
    ]),
  );
  expect(text).toBe(`{
  "format": "heapline-allocation-baseline",
  "version": 1,
  "tests": {
    "a \\"quoted\\"": { "objects": 0, "bytes": 0, "peak": 0 },
    "b > parses": { "objects": 2, "bytes": 64, "peak": 48 }
  }
}
`);
  expect(formatAllocationBaseline(new Map())).toContain('"tests": {}\n');
});

test('a file that is no baseline is rejected with the line of the mistake', () => {
  const whole = formatAllocationBaseline(new Map([['a', { objects: 1, bytes: 2, peak: 3 }]]));
  const mistakes: readonly (readonly [string, number, string])[] = [
    ['', 1, 'the text ends'],
    ['<<<<<<< HEAD\n{}', 1, 'is not JSON'],
    [whole.replace('"tests"', '"test"'), 1, '"tests" is missing'],
    [whole.replace('heapline-allocation-baseline', 'other'), 2, '"format" must be'],
    [whole.replace('"version": 1', '"version": 2'), 3, 'this release reads version 1'],
    [whole.replace('"bytes": 2', '"bytes": -2'), 5, '"bytes" must be a whole number'],
    [whole.replace('"bytes": 2', '"bytes": "2"'), 5, '"bytes" must be a whole number'],
    [whole.replace(', "peak": 3', ''), 5, '"peak" is missing'],
    [whole.replace(/"tests": \{[\s\S]*?\n {2}\}/, '"tests": []'), 4, '"tests" must be an object'],
    [whole.replace('    "a"', '    "a": 1,\n    "a"'), 6, 'is given twice'],
  ];
  for (const [text, line, problem] of mistakes) {
    try {
      parseAllocationBaseline(text, 'x.json');
      expect.unreachable(problem);
    } catch (error) {
      expect(error).toBeInstanceOf(BaselineError);
      expect(error).toMatchObject({ file: 'x.json', line, message: expect.stringContaining(problem) });
    }
  }
});

test('the file lies beside the tests', () => {
  expect(baselinePath('/project/test/parser.test.ts')).toBe('/project/test/__heap__/parser.test.ts.json');
});
