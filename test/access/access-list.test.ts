// Lists of accesses, read back as the module reads them.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type AccessList,
  type CheckedAccess,
  divideAccesses,
  listOf,
  MEMBER_BITS,
  MOST_DELTA,
  MOST_OFFSET,
  Place,
} from '../../src/access/access-list.ts';

const WINDOW = 64;
const MOST_MEMBERS = 3;

/** Accesses of one check: within a window of 64 bytes, at sites that grow. */
const accesses: fc.Arbitrary<CheckedAccess[]> = fc
  .record({
    start: fc.oneof(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 2 ** 31, max: 2 ** 32 - WINDOW })),
    site: fc.nat(2 ** 28),
    members: fc.array(
      fc.record({
        at: fc.nat(WINDOW - 1),
        exponent: fc.nat(4),
        writes: fc.boolean(),
        distance: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 70 })),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  })
  .map(({ start, site, members }) => {
    let last = site;
    return members.map(({ at, exponent, writes, distance }) => {
      last += distance;
      const size = 2 ** exponent;
      return { offset: start + Math.min(at, WINDOW - size), size, writes, site: last };
    });
  });

/** What the function in the module reads. */
function read({ from, site, members }: AccessList): CheckedAccess[] {
  const found: CheckedAccess[] = [];
  let at = site;
  let rest = BigInt(members);
  do {
    const member = Number(rest & 0xffffn);
    at += (member >> Place.Delta) & MOST_DELTA;
    found.push({
      offset: from + ((member >> Place.Offset) & MOST_OFFSET),
      size: 1 << ((member >> Place.Exponent) & 7),
      writes: ((member >> Place.Writes) & 1) === 1,
      site: at,
    });
    rest >>= BigInt(MEMBER_BITS);
  } while (rest !== 0n);
  return found;
}

it('hold all accesses in their order, in safe integers', () => {
  fc.assert(
    fc.property(accesses, (all) => {
      const parts = divideAccesses(all);
      const lists = parts.map(listOf);
      expect(lists.every(({ members }) => Number.isSafeInteger(members))).toBe(true);
      expect(lists.flatMap(read)).toEqual(all);
      expect(parts.flat()).toEqual(all);
      expect(parts.every((each) => each.length <= MOST_MEMBERS)).toBe(true);
    }),
  );
});

it('are as few as the members allow whose instructions are near each other', () => {
  const near = Array.from({ length: 7 }, (_, index) => ({
    offset: index,
    size: 1,
    writes: false,
    site: 9 * index,
  }));
  expect(divideAccesses(near).map((each) => each.length)).toEqual([3, 3, 1]);
});
