// sandbox.table: the functions behind C's function pointers, called from JavaScript.

import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  DisposedError,
  InvalidArgumentError,
  type Sandbox,
  type TableFunction,
  TrapError,
} from '../../src/index.ts';
import { held, load, TOOLCHAINS, thrown } from '../support/guest-programs.ts';

async function open(toolchain: (typeof TOOLCHAINS)[number]) {
  let kept: TableFunction | null = null;
  let lib: Sandbox;
  const imports = {
    each(pointer: number, times: number) {
      for (let i = 0; i < times; i++) lib.table.get(pointer)(10, 1n, 0.5);
    },
    later(pointer: number) {
      kept = lib.table.get(pointer);
    },
  };
  lib = await load(toolchain, 'callbacks.c', { imports: { env: imports }, hostFrames: 'off' });
  return { lib, call: lib.exports, kept: () => kept! };
}

describe.each(TOOLCHAINS)('compiled by %s, a function pointer', (toolchain) => {
  test('returns the function, whose calls have stacks of their own', async () => {
    const { lib, call, kept } = await open(toolchain);
    call.now!(20_000);
    call.hand_over!();
    expect(kept()(100, 20n, 3)).toBe(21n);
    await setTimeout(1);
    kept()(100, 20n, 3);
    expect(held(lib)).toEqual({ 'now;keep': 220_000, keep: 246 });
    lib.dispose();
  });

  test('returns the same function every time', async () => {
    const { lib, call } = await open(toolchain);
    const get = () => lib.table.get(call.keeper!());
    expect(get()).toBe(get());
    expect(lib.table.get(call.failing!())).not.toBe(get());
    expect(lib.table.length).toBeGreaterThan(call.keeper!());
    expect(lib.table.get(call.exported_pointer!())(4)).toBe(5);
    lib.dispose();
  });

  test('returns a function whose trap is a TrapError and leaves both stacks empty', async () => {
    const { lib, call } = await open(toolchain);
    const error = thrown(() => lib.table.get(call.failing!())(1, 2n, 3)) as TrapError;
    expect(error).toBeInstanceOf(TrapError);
    expect(error.frames.map((frame) => frame.function)).toEqual(['fails']);
    expect(error.message).toContain('The guest trapped in fails()');
    for (let i = 0; i < 1000; i++) thrown(() => lib.table.get(call.failing!())(1, 2n, 3));
    lib.table.get(call.simple!())();
    expect(held(lib)).toEqual({ no_arguments: 3 });
    lib.dispose();
  });

  test('returns a function that checks its arguments', async () => {
    const { lib, call } = await open(toolchain);
    const keep = lib.table.get(call.keeper!()) as (...args: unknown[]) => unknown;
    expect(() => keep(1)).toThrow(
      'Argument 2 of keep() must be a bigint, or a safe integer, and is missing.',
    );
    expect(() => keep('1', 2n, 3)).toThrow('Argument 1 of keep() must be a number and is a string.');
    expect(keep(1, 2, 3)).toBe(3n);
    lib.dispose();
  });

  test('is rejected when it points to no function', async () => {
    const { lib, call } = await open(toolchain);
    expect(() => lib.table.get(call.nowhere!())).toThrow('NULL is not a pointer to a function of the guest.');
    for (const pointer of [-1, 1e6, 0.5, Number.NaN, '1' as never, undefined as never]) {
      expect(thrown(() => lib.table.get(pointer))).toBeInstanceOf(InvalidArgumentError);
    }
    lib.dispose();
    expect(() => lib.table).toThrow(DisposedError);
  });
});
