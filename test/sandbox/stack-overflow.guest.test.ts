// A stack that is used up is reported as such: which stack, how large it is, and how to enlarge it. stackSize sets the size.

import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { InvalidArgumentError, loadC, loadWasm, StackOverflowError, TrapError } from '../../src/index.ts';
import { held, load, programPath, TOOLCHAINS, thrown } from '../support/guest-programs.ts';

const FLAGS = { flags: ['-O0'], hostFrames: 'off' } as const;

describe.each(TOOLCHAINS)('compiled by %s, the C stack', (toolchain) => {
  test('that is used up is a StackOverflowError with its size, and nothing is written over', async () => {
    const lib = await load(toolchain, 'stack.c', FLAGS);
    const { deep, deep_leaf, wide, keep } = lib.exports;
    for (const [name, call] of Object.entries({
      deep: () => deep!(100_000),
      wide: () => wide!(2 ** 21),
      deep_leaf: () => deep_leaf!(100_000),
    })) {
      const error = thrown(call) as StackOverflowError;
      expect(error).toBeInstanceOf(StackOverflowError);
      expect(error).toBeInstanceOf(TrapError);
      expect(error).toMatchObject({ code: 'HEAPLINE_STACK_OVERFLOW', limit: 2 ** 20 });
      // Frames of a few bytes may use up the engine's stack first.
      if (name === 'deep_leaf' && error.which === 'engine') continue;
      expect(error.which).toBe('c');
      expect(error.message).toMatch(
        /^The guest trapped in \w+\(\).*: stack overflow: the C stack of 1 MiB is used up/,
      );
      expect(error.message).toContain('stackSize (--stack-size');
    }
    expect(keep!(10)).toBe(1);
    expect(held(lib)).toEqual({ keep: 10 });
    expect(deep!(100)).toBeDefined();
    lib.dispose();
  });

  test('is as large as stackSize says', async () => {
    const sizes = [
      [65_536, 50, 100],
      [2 ** 19 + 1, 400, 600],
      [2 ** 22, 3000, 4200],
    ] as const;
    for (const [stackSize, fine, tooDeep] of sizes) {
      const lib = await load(toolchain, 'stack.c', { ...FLAGS, stackSize });
      expect(lib.exports.deep!(fine)).toBeDefined();
      const error = thrown(() => lib.exports.deep!(tooDeep)) as StackOverflowError;
      expect(error).toMatchObject({ which: 'c', limit: Math.ceil(stackSize / 16) * 16 });
      lib.dispose();
    }
  });

  test('may be larger than the memory that Emscripten starts with', async () => {
    const lib = await load(toolchain, 'stack.c', { ...FLAGS, stackSize: 2 ** 25 });
    expect(lib.exports.wide!(2 ** 24 + 2 ** 23)).toBe(1);
    expect(lib.exports.keep!(1)).toBe(1);
    lib.dispose();
  });

  test("is distinguished from the engine's own stack", async () => {
    const lib = await load(toolchain, 'stack.c', { ...FLAGS, flags: ['-O1'] });
    const error = thrown(() => lib.exports.endless!(1)) as StackOverflowError;
    expect(error).toBeInstanceOf(StackOverflowError);
    expect(error.which).toBe('engine');
    expect(error.message).toContain("the JavaScript engine's own stack is used up");
    expect(error.message).toContain('node --stack-size');
    lib.dispose();
  });

  test('is not blamed for other traps, not even after an overflow', async () => {
    const lib = await load(toolchain, 'stack.c', FLAGS);
    thrown(() => lib.exports.deep!(100_000));
    const error = thrown(() => lib.exports.outside!());
    expect(error).toBeInstanceOf(TrapError);
    expect(error).not.toBeInstanceOf(StackOverflowError);
    lib.dispose();
  });

  test('of a module that comes linked must be enlarged at link time', async () => {
    const compiled = await compile([programPath('stack.c')], { toolchain, flags: ['-O0'] });
    const glue = compiled.glue === null ? {} : { glue: compiled.glue };
    const lib = await loadWasm(compiled.wasm, glue);
    expect((thrown(() => lib.exports.deep!(100_000)) as Error).message).toContain('-Wl,-z,stack-size=');
    lib.dispose();
  });
});

test('emscripten: an overflow below an invoke_* is a stack overflow', async () => {
  const flags = ['-O0', '-fexceptions'];
  const lib = await load('emscripten', 'deep-exceptions.cpp', { flags, link: ['-fexceptions'] });
  expect(thrown(() => lib.exports.guarded!(100_000))).toMatchObject({ which: 'c', limit: 2 ** 20 });
  lib.dispose();
});

test.each([0, -1, 1.5, 100, 2 ** 31, '4MB' as never, Number.NaN])(
  'stackSize: %s is rejected',
  async (stackSize) => {
    await expect(loadC(programPath('stack.c'), { stackSize })).rejects.toThrow(InvalidArgumentError);
  },
);
