// C++ exceptions that leave the guest: each becomes an error with its type and text, and nothing of it stays allocated.

import { beforeAll, describe, expect, test } from 'vitest';
import { CxxExceptionError, type LoadCOptions, type Sandbox, TrapError } from '../../src/index.ts';
import { load, thrown } from '../support/guest-programs.ts';

/** The type and text of the exception that boom() throws for each argument. */
const EXCEPTIONS: Record<number, [string, string | null]> = {
  1: ['std::runtime_error', 'a message that is long enough for the heap'],
  2: ['app::Error', "an error of the application's own"],
  3: ['app::Worded', 'words of its own'],
  4: ['app::Second', 'reached through a virtual base'],
  5: ['app::Third', 'reached through the second base'],
  6: ['app::Hidden', null],
  7: ['app::Plain', null],
  8: ['int', '42'],
  9: ['char const*', 'a C string'],
  10: ['double', '-1.5'],
  11: ['long long', '-9000000000'],
  12: ['app::Of<std::vector<int>, 3>', null],
  13: ['std::bad_alloc', 'std::bad_alloc'],
  14: ['app::Cruel', null],
  15: ['(anonymous namespace)::Unseen', null],
  16: ['std::string', null],
  17: ['app::Error', 'thrown a second time, and still long enough for the heap'],
  18: ['app::Plain const*', null],
  19: ['bool', 'true'],
};

const KINDS = [
  ['emscripten', '-fexceptions'],
  ['emscripten', '-fwasm-exceptions'],
  ['embedded', '-fwasm-exceptions'],
] as const;

/** emcc needs the flag at link time, too. */
const options = (toolchain: string, flag: string): LoadCOptions => ({
  flags: ['-O1', flag],
  link: toolchain === 'emscripten' ? [flag] : [],
});

describe.each(KINDS)('%s %s: an exception that leaves the guest', (toolchain, flag) => {
  let lib: Sandbox;
  let boom: (n: number) => number;
  beforeAll(async () => {
    lib = await load(toolchain, 'exceptions-out.cpp', options(toolchain, flag));
    boom = lib.exports.boom as typeof boom;
  });

  test.each(Object.entries(EXCEPTIONS))('is an error with its type and text (%s)', (n, [type, what]) => {
    const mark = lib.heap.mark();
    const error = thrown(() => boom(Number(n))) as CxxExceptionError;
    expect(error).toBeInstanceOf(CxxExceptionError);
    expect(error).toBeInstanceOf(TrapError);
    expect(error.code).toBe('HEAPLINE_CXX_EXCEPTION');
    expect([error.type, error.what]).toEqual([type, what]);
    expect(error.message).toMatch(
      what === null
        ? `boom() threw ${type}, which nothing in the guest caught`
        : `boom() threw ${type}, which nothing in the guest caught: ${what}`,
    );
    const { records, errors } = lib.heap.leaksSince(mark);
    expect(records.map(({ bytes, kind }) => [kind, bytes])).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('leaves the guest in the same state as a handler does', () => {
    for (let i = 0; i < 2000; i++) thrown(() => boom((i % 13) + 1));
    expect(lib.exports.uncaught!()).toBe(0);
    expect(lib.exports.caught!(1)).toBe(-1);
    expect(lib.exports.caught!(8)).toBe(-2);
    expect(boom(0)).toBe(0);
    expect(lib.heap.stats().inUseObjects).toBeLessThan(10);
  });

  test('is not a trap, because the active functions have cleaned up', async () => {
    const fresh = await load(toolchain, 'exceptions-out.cpp', options(toolchain, flag));
    thrown(() => fresh.exports.boom!(1));
    expect(fresh.trapped).toBe(false);
    fresh.heap.assertNoLeaks();
    fresh.dispose();
  });
});

describe('emscripten without -fexceptions: an exception', () => {
  test('is reported with its stack, and counts as a trap', async () => {
    const lib = await load('emscripten', 'exceptions-out.cpp');
    const error = thrown(() => lib.exports.boom!(2)) as CxxExceptionError;
    expect([error.type, error.what]).toEqual(EXCEPTIONS[2]);
    expect(error.frames[0]?.function).toBe('boom');
    expect(error.message).toContain('compiled and linked with -fexceptions');
    expect(lib.trapped).toBe(true);
    lib.dispose();
  });
});
