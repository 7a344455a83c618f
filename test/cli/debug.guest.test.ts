// HEAPLINE_DEBUG in a process: each part prints what it decided, on stderr, and nothing is printed without it.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandDirectory } from '../support/command-directory.ts';

const directory = new CommandDirectory();
const heapline = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

beforeAll(() => {
  directory.write(
    'kept.c',
    `#include "size.h"
#include <stdlib.h>
static void *kept;
void keep(void) { kept = malloc(SIZE); }
int answer(void) { return 42; }
`,
  );
  directory.write('size.h', '#define SIZE 8\n');
  directory.write(
    'host.mts',
    `import { loadC } from ${JSON.stringify(heapline)};
const lib = await loadC<{ keep(): void; answer(): number }>('kept.c', { toolchain: 'clang', cacheDir: 'cache' });
function work(): void {
  lib.exports.keep();
}
work();
lib.exports.answer();
for (let i = 0; i < 9; i++) lib.exports.keep();
`,
  );
});
afterAll(() => directory.dispose());

function linesOf(value: string): string[] {
  const { status, stderr } = directory.node(['host.mts'], { HEAPLINE_DEBUG: value });
  expect(status, stderr).toBe(0);
  return stderr
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '');
}

test('cache prints what was found, what was missing and why, and what was stored', () => {
  const first = linesOf('cache');
  expect(first).toContainEqual(
    expect.stringMatching(/^heapline:cache has no module of \S*kept\.c by clang: nothing is stored for this/),
  );
  expect(first).toContainEqual(
    expect.stringMatching(/^heapline:cache stores the object of \S*kept\.c by clang$/),
  );
  expect(first.every((line) => line.startsWith('heapline:cache '))).toBe(true);

  const second = linesOf('cache');
  expect(second).toContainEqual(
    expect.stringMatching(/^heapline:cache has the module of \S*kept\.c by clang$/),
  );
  expect(second.filter((line) => / has no | stores /.test(line))).toEqual([]);

  directory.write('size.h', '#define SIZE 16\n');
  expect(linesOf('cache')).toContainEqual(
    expect.stringMatching(/^heapline:cache has no object of \S*kept\.c by clang: \S*size\.h has changed/),
  );
});

test('entries prints the stack that an entry captured and the moment', () => {
  const lines = linesOf('entries');
  expect(lines[0]).toMatch(
    /^heapline:entries keep\(\) captured stack 1 at the first allocation below it: work \S*host\.mts:4 < /,
  );
  expect(lines.at(-1)).toMatch(
    /^heapline:entries keep\(\) captured stack \d+ in advance, .*: \S* ?\S*host\.mts:8/,
  );
  expect(lines.filter((line) => line.includes('answer()'))).toEqual([]);
});

test('instrument prints how many functions of a module keep slots, and which', () => {
  const lines = linesOf('instrument');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^heapline:instrument \d+ of \d+ functions keep slots, for \d+ of \d+ calls; \d+ thunks; \d+ bytes of code became \d+: .*\bkeep\b/,
  );
  expect(lines[0]).not.toMatch(/\banswer\b/);
});

test('nothing is printed without the variable', () => {
  expect(linesOf('')).toEqual([]);
});
