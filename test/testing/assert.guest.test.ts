// The assertions of heapline/assert: what they accept, what they reject, and how they fail.

import { readdirSync } from 'node:fs';
import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { InvalidArgumentError, LeakError, loadC, TrapError } from '../../src/index.ts';
import {
  assertAllocatesAtMost,
  assertDoesNotGrow,
  assertDoesNotLeak,
  assertGrows,
  assertLeaks,
  assertNoLeaks,
  autoCheck,
  HeapAssertionError,
} from '../../src/testing/assert.ts';
import { folder, lib, program, type Requests } from './requests.ts';

test('clean work passes, whether it is asynchronous or not', async () => {
  assertNoLeaks(lib);
  expect(assertDoesNotLeak(lib, () => lib.exports.clean())).toBe(undefined);
  await assertDoesNotLeak(lib, async () => lib.exports.clean());
  assertAllocatesAtMost(lib, () => lib.exports.clean(), { bytes: 150, objects: 2 });
  assertDoesNotGrow(lib, () => lib.exports.clean());
  assertGrows(lib, () => lib.exports.append());
  assertLeaks(lib, () => lib.exports.leak(3));
});

test('leaks fail with a LeakError that names the line, and their report is kept', async () => {
  const endings = (): string[] => readdirSync(folder).map((name) => /(?:\.pb\.gz|\.[a-z]+)$/.exec(name)![0]);
  const before = endings().length;
  expect(() => assertDoesNotLeak(lib, () => lib.exports.leak(3))).toThrow(LeakError);
  expect(() => assertNoLeaks(lib)).toThrow(
    /3 bytes in 1 block\n {2}at leak \(test\/testing\/programs\/requests\.c:22:/,
  );
  await expect(assertDoesNotLeak(lib, async () => lib.exports.leak(4))).rejects.toThrow(LeakError);
  // Three failures left a text, a profile and a page each.
  expect(endings()).toHaveLength(before + 9);
  expect(new Set(endings())).toEqual(new Set(['.txt', '.pb.gz', '.html']));
});

test('other failures are a HeapAssertionError', () => {
  const clean = () => lib.exports.clean();
  expect(() => assertAllocatesAtMost(lib, clean, { objects: 1 })).toThrow(HeapAssertionError);
  expect(() => assertDoesNotGrow(lib, () => lib.exports.append())).toThrow(
    'grows by 24 bytes in 1 block per run',
  );
  expect(() => assertGrows(lib, clean)).toThrow('the heap is steady');
  expect(() => assertLeaks(lib, clean)).toThrow('expected to leak, and it did not');
});

test('a printed LeakError shows the report once', () => {
  lib.exports.leak(3);
  for (const check of [() => assertNoLeaks(lib), () => lib.heap.assertNoLeaks({ root: process.cwd() })]) {
    const error = thrownBy(check) as LeakError;
    for (const text of [inspect(error), inspect(new Error('test', { cause: error })), format(error)]) {
      expect(text.split('3 bytes in 1 block')).toHaveLength(3);
      expect(text.split('at leak (')).toHaveLength(2);
      expect(text).not.toContain('records');
    }
    expect(Object.keys(error)).not.toContain('report');
    expect(error.report.total).toEqual({ blocks: 1, bytes: 3 });
  }
});

test('the old order of arguments works with one warning', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => void warnings.push(warning);
  process.on('warning', listener);
  try {
    const clean = () => lib.exports.clean();
    assertAllocatesAtMost(lib, { objects: 2 }, clean);
    await assertAllocatesAtMost(lib, { objects: 2 }, async () => clean());
    expect(() => assertAllocatesAtMost(lib, { objects: 1 }, clean)).toThrow(HeapAssertionError);
    expect(() => assertAllocatesAtMost(lib, clean, clean as never)).toThrow('The limits must be');
    expect(() => assertAllocatesAtMost(lib, { objects: 1 } as never, { objects: 1 })).toThrow(
      'needs a function',
    );
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', listener);
  }
  expect(warnings).toMatchObject([{ name: 'DeprecationWarning', code: 'HEAPLINE_ARGUMENT_ORDER' }]);
  expect(warnings[0]!.message).toContain('assertAllocatesAtMost(lib, work, limits)');
});

test('classes that do not exist are rejected before the work is done', () => {
  lib.exports.leak(12);
  let done = 0;
  for (const kinds of [['definit'], [], 'definite'] as never[]) {
    expect(() => assertNoLeaks(lib, { kinds })).toThrow(InvalidArgumentError);
    expect(() => assertDoesNotLeak(lib, () => done++, { kinds })).toThrow(InvalidArgumentError);
    expect(() => assertLeaks(lib, () => done++, { kinds })).toThrow(InvalidArgumentError);
    expect(() => autoCheck({ beforeEach: () => 0, afterEach: () => 0, kinds })).toThrow(InvalidArgumentError);
  }
  expect(done).toBe(0);
});

test('an argument that is no sandbox, function or hook is named', () => {
  expect(() => assertNoLeaks({} as never)).toThrow('assertNoLeaks() needs a sandbox');
  expect(() => assertDoesNotLeak(lib, 5 as never)).toThrow('assertDoesNotLeak() needs a function');
  expect(() => autoCheck({} as never)).toThrow('autoCheck({ beforeEach, afterEach })');
});

test('autoCheck fails a test for its own leaks only', () => {
  const hooks: (() => void)[] = [];
  const add = (hook: () => void) => void hooks.push(hook);
  autoCheck({ beforeEach: add, afterEach: add });
  const [start, end] = hooks as [() => void, () => void];
  lib.exports.leak(1);
  start();
  lib.exports.clean();
  expect(end).not.toThrow();
  start();
  lib.exports.leak(2);
  expect(end).toThrow('definite leak: 2 bytes in 1 block');
  start();
  lib.exports.free_twice();
  expect(end).toThrow('double free');
});

test('autoCheck skips a sandbox in the test in which it traps and checks it in later tests', () => {
  const [start, end] = hooksOfAutoCheck();
  for (let i = 0; i < 2; i++) {
    start();
    expect(() => lib.exports.crash()).toThrow(TrapError);
    expect(() => end()).not.toThrow();
    start();
    lib.exports.leak(8);
    expect(() => end()).toThrow('definite leak: 8 bytes in 1 block');
  }
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

type Hook = (context?: unknown) => void;

function hooksOfAutoCheck(): [Hook, Hook] {
  const hooks: Hook[] = [];
  const add = (hook: Hook) => void hooks.push(hook);
  autoCheck({ beforeEach: add, afterEach: add });
  return hooks as [Hook, Hook];
}

test('autoCheck checks nested tests and parallel tests', () => {
  const [start, end] = hooksOfAutoCheck();
  const [outer, inner] = [{ name: 'outer' }, { name: 'inner' }];
  start(outer);
  lib.exports.leak(3);
  start(inner);
  expect(() => end(inner)).not.toThrow();
  expect(() => end(outer)).toThrow('3 bytes in 1 block');
  start(outer);
  lib.exports.leak(4);
  start(inner);
  expect(() => end(outer)).toThrow('4 bytes in 1 block');
  expect(() => end(inner)).not.toThrow();
});

test('autoCheck reports every sandbox that is not clean, in files that are named after file and test', async () => {
  using other = await loadC<Requests>(program, { toolchain: 'clang', flags: ['-O1'] });
  const [start, end] = hooksOfAutoCheck();
  const context = { name: 'both' };
  start(context);
  lib.exports.leak(5);
  other.exports.leak(6);
  expect(() => end(context)).toThrow(/ 5 bytes in 1 block.* 6 bytes in 1 block/s);
  expect(readdirSync(folder)).toEqual(
    expect.arrayContaining([
      'test-testing-assert.guest.test.ts-both.txt',
      'test-testing-assert.guest.test.ts-both-2.txt',
    ]),
  );
  // mocha and jest pass a callback to hooks that take a parameter.
  expect([start.length, end.length]).toEqual([0, 0]);
});

test('a message has no frames of the test runner', () => {
  expect(() => assertDoesNotLeak(lib, () => lib.exports.leak(7))).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('node_modules') }),
  );
});
