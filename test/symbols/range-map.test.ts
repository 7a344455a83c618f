// Compares RangeMap with the simplest model: of all ranges that hold an offset, the one that was added last wins.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeMap } from '../../src/symbols/range-map.ts';

test('a look-up gives the last added range that holds the offset', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(20));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 60 }), (ranges) => {
      const map = new RangeMap();
      for (const [index, [low, length]] of ranges.entries()) map.add(low, low + length, index);
      for (let offset = 0; offset < 90; offset++) {
        const expected = ranges.findLastIndex(([low, length]) => offset >= low && offset < low + length);
        expect(map.get(offset)).toBe(expected);
      }
    }),
    { numRuns: 500 },
  );
});
