// --timeout, --max-blocks and --max-allocation of the commands.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandDirectory } from '../support/command-directory.ts';

const directory = new CommandDirectory();
const heapline = (...args: string[]) => directory.heapline(args, { env: { GITHUB_ACTIONS: '' } });

beforeAll(() => {
  directory.write(
    'endless.c',
    `#include <stdio.h>
#include <stdlib.h>
volatile int going = 1;
void *volatile kept;
static void loop(void) {
  while (going) {
  }
}
int main(int argc, char **argv) {
  printf("begins");
  kept = malloc(100);
  if (argc > 1) loop();
  free(kept);
  void *large = malloc(5000), *small = malloc(10), *more = malloc(10);
  printf(" %d %d %d\\n", large != 0, small != 0, more != 0);
  free(large);
  free(small);
  free(more);
  return 0;
}
`,
  );
});
afterAll(() => directory.dispose());

test('a program that takes too long is stopped with the status of timeout(1), and is reported', () => {
  const { status, stdout, stderr } = heapline(
    ...['run', '--toolchain', 'clang', '--timeout', '800ms', '--no-pprof', 'endless.c', '--', 'x'],
  );
  expect([status, stdout]).toEqual([124, 'begins']);
  expect(stderr).toMatch(/stopped in loop\(\) after 800 ms/);
  expect(stderr).toMatch(/endless\.c:[67]:/);
  expect(stderr).toMatch(/100B? .*main/);
});

test('check reports it as a program that failed', () => {
  const { status, stderr } = heapline(
    'check',
    '--toolchain',
    'clang',
    '--timeout',
    '0.5s',
    'endless.c',
    '--',
    'x',
  );
  expect([status, /after 500 ms/.test(stderr)]).toEqual([3, true]);
});

test('limits of the heap let malloc fail', () => {
  const run = (...options: string[]) =>
    heapline('run', '--toolchain', 'clang', '--no-pprof', '--timeout', '1m', ...options, 'endless.c');
  expect(run('--max-allocation', '4k').stdout).toBe('begins 0 1 1\n');
  // The arguments of main are two blocks of libc.
  expect(run('--max-blocks', '4').stdout).toBe('begins 1 1 0\n');
  expect(run().stdout).toBe('begins 1 1 1\n');
});

test.each([
  ['--timeout', '5'],
  ['--timeout', 'soon'],
  ['--max-blocks', '0'],
])('%s %s is rejected', (...given) => {
  const { status, stderr } = heapline('run', ...given, 'endless.c');
  expect([status, stderr.includes(given[0]!) || stderr.includes(given[1]!)]).toEqual([2, true]);
});
