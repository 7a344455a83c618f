// Tests of the comparison: a checker that finds too much, too little or something else must not pass.

import { expect, test } from 'vitest';
import { compareFaults, compareLeaks, type Program, readPrograms } from '../support/leak-programs.ts';

const program = (name: string): Program => readPrograms().find((candidate) => candidate.name === name)!;

test('records of one line and class are summed over their contexts', () => {
  const half = { kind: 'definite', line: 5, blocks: 1, bytes: 16 } as const;
  expect(compareLeaks(program('ignored-result-leak'), [half, half], 32)).toEqual([]);
  expect(compareLeaks(program('ignored-result-leak'), [half], 32)).toEqual([
    'line 5: definite 2 blocks 32 bytes found as 1 blocks 16 bytes',
  ]);
});

test('another line, another class, and a leak that is not there are differences', () => {
  const leak = { kind: 'definite', line: 6, blocks: 1, bytes: 10 } as const;
  const wanted = program('malloc-leak');
  expect(compareLeaks(wanted, [leak], 32)).toEqual([]);
  expect(compareLeaks(wanted, [{ ...leak, line: 7 }], 32)).toHaveLength(2);
  expect(compareLeaks(wanted, [{ ...leak, kind: 'possible' }], 32)).toHaveLength(2);
  expect(compareLeaks(wanted, [], 32)).toEqual(['line 6: definite 1 blocks 10 bytes not found']);
  expect(compareLeaks(program('malloc-clean'), [leak], 32)).toEqual([
    'line 6: definite 1 blocks 10 bytes not expected',
  ]);
});

test('sizes follow the width of a pointer', () => {
  const { leaks } = program('self-pointer-leak');
  expect(leaks).toEqual([
    { kind: 'definite', line: 10, blocks: 1, bytes: { 32: 24, 64: 32 }, hanging: { 32: 0, 64: 0 } },
  ]);
});

test('a misuse must be found with its kind and its three lines', () => {
  const wanted = program('double-free-bad');
  const fault = { kind: 'double-free', line: 12, allocatedLine: 6, freedLine: 8 } as const;
  expect(compareFaults(wanted, [fault])).toEqual([]);
  expect(compareFaults(wanted, [{ ...fault, freedLine: null }])).toHaveLength(1);
  expect(compareFaults(wanted, [])).toHaveLength(1);
  expect(compareFaults(program('double-free-clean'), [fault])).toHaveLength(1);
});

test('every file is two programs, and nothing may be found in the fixed one', () => {
  const programs = readPrograms();
  expect(programs.length).toBe(2 * 105);
  const files = new Set(programs.map(({ path }) => path));
  for (const file of files) {
    const pair = programs.filter(({ path }) => path === file);
    const [faulty, fixed] = pair[0]!.fixed ? pair.toReversed() : pair;
    expect(pair).toHaveLength(2);
    expect(fixed).toMatchObject({ fixed: true, leaks: [], faults: [] });
    expect(faulty!.leaks.length + faulty!.faults.length, faulty!.path).toBeGreaterThan(0);
  }
});
