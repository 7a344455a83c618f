// Calls of libc functions that touch ranges: random blocks, beginnings and lengths, each call on a line of its own. The lines
// with a fault are those that leave their block, and no others.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { randomFrom } from '../support/random.ts';

const CALLS = 400;
const seed = Number(process.env.HEAPLINE_SEED ?? Date.now() % 1e6);
const folder = mkdtempSync(join(tmpdir(), 'heapline-ranges-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface RangeCall {
  readonly line: string;
  readonly isWrong: boolean;
}

/** Bytes from `from` on of a block; up to 12 bytes too many, which end in the space between blocks. */
function anyRange(random: (n: number) => number): {
  size: number;
  from: number;
  length: number;
  isWrong: boolean;
} {
  const size = random(10) === 0 ? random(700) + 100 : random(90) + 1;
  const from = random(size);
  const rest = size - from;
  const isWrong = random(2) === 0;
  const length = isWrong ? rest + 1 + random(12) : random(rest + 1);
  return { size, from, length, isWrong };
}

function anyCall(random: (n: number) => number): RangeCall {
  const { size, from, length, isWrong } = anyRange(random);
  const block = `char *p = hide(calloc(1, ${size}));`;
  const call = [
    `memset(p + ${from}, 1, n(${length}));`,
    `memcpy(p + ${from}, other, n(${length}));`,
    `memmove(other, p + ${from}, n(${length}));`,
    `strncpy(p + ${from}, "", n(${length}));`,
    `sink += memchr(p + ${from}, 7, n(${length})) != 0;`,
    `sink += memrchr(p + ${from}, 7, n(${length})) != 0;`,
    `memccpy(p + ${from}, other, 7, n(${length}));`,
    `memccpy(other, p + ${from}, 7, n(${length}));`,
    `sink += strlcpy(p + ${from}, text(${length}), n(${length})) + strlcpy(p + ${from}, "", 500);`,
    `sink += strlcpy(other, memset(text(${length}), 1, ${length}), 2) + strlcpy(p + ${from}, text(900), n(${length}));`,
  ][random(10)]!;
  return { line: `{ ${block} ${call} free(p); }`, isWrong };
}

it(`faults are at the calls that leave their block (HEAPLINE_SEED=${seed})`, async () => {
  const random = randomFrom(seed);
  const calls = Array.from({ length: CALLS }, () => anyCall(random));
  const head = [
    '#include <stdlib.h>',
    '#include <string.h>',
    'static char other[1024]; volatile int sink;',
    'static void *hide(void *p) { __asm__ volatile("" : "+r"(p)); return p; }',
    '/* A string that is longer by some bytes. */',
    'static char *text(int n) { static char all[1024]; memset(all, 1, 1000); all[n + 20] = 0; return all; }',
    'static size_t n(size_t n) { __asm__ volatile("" : "+r"(n)); return n; }',
    'void all(void) {',
  ];
  const file = join(folder, 'ranges.c');
  writeFileSync(file, [...head, ...calls.map(({ line }) => line), '}', ''].join('\n'));
  using lib = await loadC<{ all(): void }>(file, {
    flags: ['-O1', '-w', '-fno-builtin', '-D_GNU_SOURCE'],
    checks: true,
  });
  lib.exports.all();
  const lines = lib.heap.faults().map(({ frames }) => frames[0]?.line);
  const wrong = calls.flatMap(({ isWrong }, index) => (isWrong ? [head.length + 1 + index] : []));
  expect(lines).toEqual(wrong);
});
