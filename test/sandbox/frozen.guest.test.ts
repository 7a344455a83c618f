// Processes in which V8's stack settings (Error.stackTraceLimit, Error.prepareStackTrace) cannot be changed, or are
// missing: calls still work, and stacks are as deep as the settings allow.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programPath } from '../support/guest-programs.ts';

const door = new URL('../../src/index.ts', import.meta.url).pathname;
const loader = import.meta.resolve('tsx');

/** `early` runs before a sandbox is open, `late` between two calls. */
const script = (early: string, late: string) => `
import { loadC, TrapError } from ${JSON.stringify(door)};
${early}
const lib = await loadC(${JSON.stringify(programPath('library.c'))}, { toolchain: 'clang' });
function take(): void {
  lib.exports.take!(24);
}
function deep(depth: number): void {
  if (depth > 0) deep(depth - 1);
  else take();
}
take();
${late}
for (let i = 0; i < 9; i++) take();
deep(20);
let trap: unknown;
try {
  lib.exports.trap!(2);
} catch (error) {
  trap = error;
}
console.log(
  JSON.stringify({
    sum: lib.exports.sum!(1, 2),
    trap: trap instanceof TrapError ? trap.frames.map((frame) => frame.function) : String(trap),
    stacks: lib.heap.profile().folded(),
    inUse: lib.heap.stats().inUseObjects,
  }),
);
`;

test.each([
  ['--frozen-intrinsics', ['--frozen-intrinsics'], '', '', 'cut'],
  ['a frozen Error', [], 'Object.freeze(Error);', '', 'cut'],
  ['an Error frozen between calls', [], '', 'Object.freeze(Error);', 'cut'],
  ['a sealed Error', [], 'Object.seal(Error);', '', 'any'],
  ['a fixed limit', [], "Object.defineProperty(Error, 'stackTraceLimit', { writable: false });", '', 'cut'],
  ['no limit', [], 'delete (Error as { stackTraceLimit?: number }).stackTraceLimit;', '', 'whole'],
])('calls, traps and host stacks under %s', (_what, flags, early, late, depth) => {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-frozen-'));
  try {
    const file = join(directory, 'use.mts');
    writeFileSync(file, script(early, late));
    const args = [...flags, '--import', loader, file];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    const { sum, trap, stacks, inUse } = JSON.parse(stdout);
    expect({ sum, inUse, trap }).toEqual({ sum: 3, inUse: 11, trap: ['fall', 'fall', 'fall', 'trap'] });
    const all: string[] = stacks.trim().split('\n');
    expect(all.every((stack) => /(^|;)take;take /.test(stack))).toBe(true);
    expect(all.filter((stack) => !stack.includes('deep')).join()).toMatch(/^\(anonymous\);take;take \d+$/);
    const deep = all.find((stack) => stack.includes('deep'))!;
    if (depth === 'whole') expect(deep).toBe(`(anonymous);${'deep;'.repeat(21)}take;take 24`);
    if (depth === 'cut') expect(deep).toMatch(/^\[truncated\];(deep;)+take;take 24$/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
