// Frames whose variables have redzones, left by exceptions and longjmp that code without redzones throws: what such frames
// had closed is open again. Functions with the mark no_sanitize are code without redzones.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadC } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-left-frames-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COMMON = `#include <string.h>
#define UNCHECKED __attribute__((noinline, no_sanitize("address")))
#define at(p) ({ __typeof__(&*(p)) hidden = (p); __asm__ volatile("" : "+r"(hidden) : : "memory"); hidden; })
UNCHECKED static int reuse(int n) { volatile char big[4000]; for (int i = 0; i < 4000; i++) big[i] = i; return big[n]; }
static int framed(int n);
`;
const FRAMED = `__attribute__((noinline)) static int framed(int n) {
  char v[40], w[30];
  memset(at(v), n, 40); memset(at(w), n, 30);
  if (n) framed(n - 1); else leave();
  return at(v)[3] + at(w)[2];
}
__attribute__((noinline)) static int wrong(int n) { char v[5]; at(v)[n] = 1; return at(v)[0]; }
`;
const THROWS = `${COMMON}
UNCHECKED static void leave() { volatile int seven = 7; if (seven) throw 7; }
${FRAMED}
extern "C" int leaves(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; i++) try { sum += framed(5); } catch (int thrown) { sum += thrown + (reuse(900) & 0); }
  return sum;
}
extern "C" int misses(int n) { return wrong(n); }
`;
const JUMPS = `${COMMON}
#include <setjmp.h>
static jmp_buf back;
UNCHECKED static void leave(void) { longjmp(back, 7); }
${FRAMED}
int leaves(int rounds) {
  int sum = 0;
  for (volatile int i = 0; i < rounds; i++) {
    int jumped = setjmp(back);
    if (jumped) sum += jumped + (reuse(900) & 0);
    else sum += framed(5);
  }
  return sum;
}
int misses(int n) { return wrong(n); }
`;

const programs = [
  ['embedded', 'throws.cpp', THROWS, []],
  ...(FULL
    ? ([
        ['embedded', 'jumps.c', JUMPS, []],
        ['emscripten', 'throws.cpp', THROWS, ['-fexceptions']],
        ['emscripten', 'jumps.c', JUMPS, []],
      ] as const)
    : []),
] as const;

test.each(programs)(
  '%s: frames that %s leaves are open',
  async (toolchain, name, text, more) => {
    const source = join(folder, name);
    writeFileSync(source, text);
    const flags = ['-O1', '-w', ...more];
    using lib = await loadC<{ leaves(rounds: number): number; misses(n: number): number }>(source, {
      ...{ toolchain, flags, link: more, checks: true },
    });
    // Further rounds use the stack that the first one has left.
    expect(lib.exports.leaves(3)).toBe(21);
    lib.exports.misses(4);
    expect(lib.heap.faults()).toEqual([]);
    lib.exports.misses(5);
    expect(lib.heap.faults().map(({ kind }) => kind)).toEqual(['stack-buffer-overflow']);
  },
  120_000,
);
