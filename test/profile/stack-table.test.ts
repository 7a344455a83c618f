// The table of stacks against a map of all pairs, with stacks that are looked for and stacks that are appended.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdTable } from '../../src/profile/id-table.ts';
import { StackTable } from '../../src/profile/stack-table.ts';
import { ownTime } from '../support/own-time.ts';

const MANY = 200_000;

const steps = fc.array(fc.record({ parent: fc.nat(), location: fc.nat({ max: 5 }), append: fc.boolean() }), {
  maxLength: 300,
});

test('a stack has one number, and appended stacks are found', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const table = new StackTable();
      /** The numbers that each pair may have. */
      const numbers = new Map<string, Set<number>>();
      for (const { parent: any, location, append } of all) {
        const parent = any % table.count;
        const known = numbers.get(`${parent} ${location}`) ?? new Set();
        numbers.set(`${parent} ${location}`, known);
        const expected = append || known.size === 0 ? [table.count] : [...known];
        const number = append ? table.append(parent, location) : table.number(parent, location);
        expect(expected).toContain(number);
        expect([table.parents()[number], table.locations()[number]]).toEqual([parent, location]);
        known.add(number);
      }
    }),
  );
});

test('a stack with 200,000 callees finds each of them at once', () => {
  const table = new StackTable();
  const took = ownTime(() => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < MANY; i++) if (table.number(0, i) !== i + 1) expect.unreachable();
    }
  });
  expect(table.count).toBe(MANY + 1);
  // A search through the callees would take minutes.
  expect(took).toBeLessThan(20_000);
});

test('ids of all sizes have their index, and others have none', () => {
  const ids = [1, 2, 70, 71, 2 ** 31, 2 ** 40, 2n ** 63n, 2n ** 64n - 1n];
  const table = new IdTable(4);
  ids.forEach((id, index) => {
    table.set(id, index);
  });
  expect(ids.map((id) => table.get(id))).toEqual(ids.map((_, index) => index));
  for (const id of [0, 3, 69, 72, 2 ** 31 - 1, 2n ** 62n]) expect(table.has(id)).toBe(false);
});
