// heapline check --sweep: its exit statuses and its reports.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandDirectory } from '../support/command-directory.ts';

const directory = new CommandDirectory();
const sweep = (...args: string[]) =>
  directory.heapline(['check', '--sweep', '--toolchain', 'clang', '-O0', ...args], {
    env: { GITHUB_ACTIONS: '' },
  });

beforeAll(() => {
  const program = new URL('../sweep/programs/fails-badly.c', import.meta.url);
  directory.write('fails.c', readFileSync(program, 'utf8'));
});
afterAll(() => directory.dispose());

test('a program is swept, and each allocation that is handled badly is reported', () => {
  const { status, stdout, stderr } = sweep('--format', 'sarif=out.sarif', '--format', 'text', 'fails.c');
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/fails, 12 bytes in 1 block are lost, allocated in record_new \(fails\.c:12\)/);
  expect(stderr).toMatch(/fails, .*write.* record_new|fails, .*NULL/);
  expect(stderr).toMatch(/freed twice in record_new \(fails\.c:2[0-9]\)/);
  expect(stderr).toMatch(/distinct allocations, \d+ runs in .*: 3 handled badly/);
  const sarif = JSON.parse(String(directory.read('out.sarif'))) as {
    runs: { results: { level: string }[] }[];
  };
  expect(sarif.runs[0]!.results.map(({ level }) => level)).toEqual(['error', 'error', 'error']);
});

test('calls are swept, and code that is right ends with 0', () => {
  const { status, stderr } = sweep('--call', 'careful(5)', '--sweep-budget', '20s', 'fails.c');
  expect([status, /no failure is handled badly/.test(stderr)]).toEqual([0, true]);
});

test('a program that fails by itself has status 3, and options without a meaning are rejected', () => {
  const { status, stderr } = sweep('--timeout', '300ms', '--call', 'spin_for_ever()', 'fails.c');
  expect([status, stderr.includes('spin_for_ever')]).toEqual([2, true]);
  expect(sweep('--baseline', 'x.json', 'fails.c').status).toBe(2);
});
