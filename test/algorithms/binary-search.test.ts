import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastAtMost } from '../../src/algorithms/binary-search.ts';

describe('lastAtMost', () => {
  it('finds the last entry that is at most the value', () => {
    const entries = [10, 20, 20, 30];
    expect([9, 10, 19, 20, 29, 30, 31].map((value) => lastAtMost(entries, value))).toEqual([
      -1, 0, 0, 2, 2, 3, 3,
    ]);
  });

  it('finds nothing among no entries', () => {
    expect(lastAtMost([], 1)).toBe(-1);
    expect(lastAtMost(new Uint32Array(8), 0, 5, 5)).toBe(4);
  });

  it('looks at the part of the entries that it is told to', () => {
    const entries = Uint32Array.of(9, 9, 1, 5, 7, 0, 0);
    expect([0, 1, 6, 9].map((value) => lastAtMost(entries, value, 2, 5))).toEqual([1, 2, 3, 4]);
  });

  it('finds what a search from the end finds, in arrays of every kind', () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: -1, max: 41 }), (unsorted, value) => {
        const sorted = unsorted.sort((a, b) => a - b);
        const expected = sorted.findLastIndex((entry) => entry <= value);
        for (const entries of [sorted, Uint32Array.from(sorted), Float64Array.from(sorted)]) {
          expect(lastAtMost(entries, value)).toBe(expected);
        }
      }),
    );
  });

  it('finds numbers beyond 32 bits', () => {
    expect(lastAtMost([2 ** 31, 2 ** 40], 2 ** 40 - 1)).toBe(0);
  });
});
