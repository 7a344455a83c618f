// The share of the time that captures of JavaScript stacks may use, with a clock of its own.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

let clock = 0;
let TimeBudget: typeof import('../../src/host/time-budget.ts').TimeBudget;

beforeEach(async () => {
  clock = 0;
  vi.resetModules();
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  ({ TimeBudget } = await import('../../src/host/time-budget.ts'));
});
afterEach(() => void vi.restoreAllMocks());

let idle = 0;

/** Asks again and again for pieces of work of this many milliseconds; returns the time that they took. */
function workFor(budget: InstanceType<typeof TimeBudget>, milliseconds: number, piece: number): number {
  const end = clock + milliseconds;
  let used = 0;
  while (clock < end) {
    if (budget.allows()) {
      const begun = budget.begin();
      clock += piece;
      used += piece;
      budget.spend(begun);
    } else clock += 0.01;
  }
  return used;
}

it.each([0.02, 0.1, 0.5])('work gets a share of %d of the time', (share) => {
  const budget = new TimeBudget(share);
  workFor(budget, 1000, 0.02); // what it has at the start
  const used = workFor(budget, 10_000, 0.02);
  expect(used / 10_000).toBeLessThan(share * 1.02);
  expect(used / 10_000).toBeGreaterThan(share * 0.9);
});

it('gets its share of the time in which the thread is busy', () => {
  idle = 0;
  const budget = new TimeBudget(0.1, () => idle);
  workFor(budget, 1000, 0.02);
  let used = 0;
  for (let turn = 0; turn < 1000; turn++) {
    used += workFor(budget, 5, 0.02);
    clock += 15;
    idle += 15;
  }
  expect(used / 5000).toBeLessThan(0.1 * 1.05);
  expect(used / 5000).toBeGreaterThan(0.1 * 0.9);
});

it('has something to spend at once, and keeps little of idle times', () => {
  const budget = new TimeBudget(0.02);
  expect(budget.allows()).toBe(true);
  clock += 3_600_000;
  expect(workFor(budget, 100, 0.02)).toBeLessThan(0.02 * 100 + 0.02 * 200 + 0.1);
});

it('waits after a piece that took too long', () => {
  const budget = new TimeBudget(0.1);
  const begun = budget.begin();
  clock += 1000;
  budget.spend(begun);
  clock += 5000;
  expect(Array.from({ length: 8 }, () => budget.allows()).includes(true)).toBe(false);
  clock += 5000;
  expect(Array.from({ length: 8 }, () => budget.allows()).includes(true)).toBe(true);
});
