// Watching work that waits for nothing: when a watcher is told, which one, and what becomes of what it throws.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { atOnce } from '../../src/algorithms/steps.ts';
import { unitDone, watched } from '../../src/algorithms/watched-work.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Work of so many units that take so many milliseconds each. */
function work(units: number, each: number): string {
  for (let unit = 1; unit <= units; unit++) {
    vi.advanceTimersByTime(each);
    unitDone(unit, units);
  }
  return 'result';
}

test('a watcher is told ten times in a second at most, and nothing of short work', () => {
  const told: string[] = [];
  const watch = (units: number, each: number): string =>
    watched(
      (done, total) => told.push(`${done}/${total}`),
      () => work(units, each),
    );
  expect(watch(9, 11)).toBe('result');
  expect(told).toEqual([]);
  expect(watch(50, 10)).toBe('result');
  expect(told).toEqual(['10/50', '20/50', '30/50', '40/50', '50/50']);
  told.length = 0;
  watch(3, 1000);
  expect(told).toEqual(['1/3', '2/3', '3/3']);
  // Nobody watches any more.
  work(5, 1000);
  expect(told.length).toBe(3);
});

test('the inner watcher is told of the inner work', () => {
  const told: string[] = [];
  watched(
    () => told.push('outer'),
    () => {
      work(1, 200);
      watched(
        () => told.push('inner'),
        () => work(2, 200),
      );
      work(1, 200);
    },
  );
  expect(told).toEqual(['outer', 'inner', 'inner', 'outer']);
});

test('what a watcher throws is thrown when the work is over, the first of it', () => {
  let done = 0;
  const watch = (): string =>
    watched(
      () => {
        throw new Error(`at ${done}`);
      },
      () => {
        for (; done < 3; done++) work(1, 200);
        return 'result';
      },
    );
  expect(watch).toThrow('at 0');
  expect(done).toBe(3);
  expect(() =>
    watched(
      () => {},
      () => {
        throw new Error('of the work');
      },
    ),
  ).toThrow('of the work');
  // Neither leaves a watcher behind.
  expect(work(2, 200)).toBe('result');
});

test('work in steps, done at once, tells that it goes on', () => {
  const told = vi.fn();
  const steps = function* (): Generator<undefined, number, undefined> {
    for (let i = 0; i < 4; i++) {
      vi.advanceTimersByTime(100);
      yield;
    }
    return 5;
  };
  expect(watched(told, () => atOnce(steps()))).toBe(5);
  expect(told.mock.calls).toEqual(Array(4).fill([0, 0]));
});
