// The facts about checked bytes, against sets of bytes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Facts, factsOfBoth, isChecked, withChecked } from '../../src/access/facts.ts';

const BASES = 3;
const BYTES = 80;

const range = fc.record({
  base: fc.nat(BASES - 1),
  from: fc.nat(BYTES - 1),
  length: fc.integer({ min: 1, max: 8 }),
});
type CheckedRange = { base: number; from: number; length: number };

const add = (facts: Facts, ranges: readonly CheckedRange[]): Facts =>
  ranges.reduce<Facts>((all, { base, from, length }) => withChecked(all, base, from, from + length), facts);

/** All bytes that are known to be checked, one by one. */
function bytesOf(facts: Facts): string[] {
  const found: string[] = [];
  for (let base = 0; base < BASES; base += 1) {
    for (let byte = 0; byte < BYTES + 8; byte += 1) {
      if (isChecked(facts, base, byte, byte + 1)) found.push(`${base}:${byte}`);
    }
  }
  return found;
}

describe('facts about checked bytes', () => {
  it('hold what was checked, and besides gaps of up to 16 bytes', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
        const facts = add(null, ranges);
        for (const { base, from, length } of ranges) {
          expect(isChecked(facts, base, from, from + length)).toBe(true);
        }
        for (let base = 0; base < BASES; base += 1) {
          const mine = ranges.filter((each) => each.base === base);
          for (let byte = 0; byte < BYTES + 8; byte += 1) {
            if (!isChecked(facts, base, byte, byte + 1)) continue;
            const below = mine.some(({ from }) => from <= byte && byte - from < 16 + 8);
            const above = mine.some(({ from, length }) => from + length > byte && from - byte <= 16);
            expect(below && above).toBe(true);
          }
        }
      }),
    );
  });

  it('are those of both sides where control flow joins, and no others', () => {
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 6 }),
        fc.array(range, { maxLength: 6 }),
        fc.array(range, { maxLength: 6 }),
        (before, left, right) => {
          const shared = add(null, before);
          const [one, other] = [add(shared, left), add(shared, right)];
          const both = bytesOf(factsOfBoth(one, other));
          const others = new Set(bytesOf(other));
          expect(both).toEqual(bytesOf(one).filter((byte) => others.has(byte)));
          expect(bytesOf(factsOfBoth(other, one))).toEqual(both);
        },
      ),
    );
  });

  it('of a list and its own beginning are those of the beginning', () => {
    const before = add(null, [{ base: 0, from: 0, length: 4 }]);
    expect(factsOfBoth(add(before, [{ base: 1, from: 0, length: 4 }]), before)).toBe(before);
    expect(factsOfBoth(null, before)).toBe(null);
    expect(factsOfBoth(before, before)).toBe(before);
  });
});
