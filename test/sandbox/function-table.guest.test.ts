// sandbox.table: the functions behind C's function pointers, called from JavaScript.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { linkFilesByHand } from '../../src/compile/link-by-hand.ts';
import {
  DisposedError,
  InvalidArgumentError,
  loadWasm,
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
  // Its functions return pointers.
  const call = lib.exports as Record<string, (...args: number[]) => number>;
  return { lib, call, kept: () => kept! };
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

test('a module may import its table', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-table-'));
  const source = join(directory, 'table.c');
  const wasm = join(directory, 'table.wasm');
  try {
    writeFileSync(
      source,
      `#include <stdlib.h>
typedef void *(*maker)(int);
static void *make(int size) { return malloc(size); }
maker pointer(void) { return make; }
void *through(maker call, int size) { return call(size); }
`,
    );
    const [runtime, flags] = linkFilesByHand('wasi');
    const own = readFileSync(flags, 'utf8').replace('-Wl,--export-table', '-Wl,--import-table').split('\n');
    const exported = ['pointer', 'through'].map((name) => `-Wl,--export=${name}`);
    const clang = (...args: readonly string[]) => execFileSync('clang', ['--target=wasm32-wasi', ...args]);
    // Two commands, because clang would run wasm-opt in one.
    clang('-O1', '-g', '-fno-builtin-malloc', '-c', source, '-o', `${source}.o`);
    clang(`${source}.o`, runtime, ...own.filter((flag) => flag !== ''), ...exported, '-o', wasm);
    const table = new WebAssembly.Table({ initial: 64, element: 'anyfunc' });
    const imports = { env: { __indirect_function_table: table } };
    using lib = await loadWasm(wasm, { imports: imports as never, hostFrames: 'off' });
    const pointer = lib.exports.pointer!() as number;
    lib.exports.through!(pointer, 10);
    lib.table.get(pointer)(20);
    (table.get(pointer) as (size: number) => number)(300);
    expect(held(lib)).toEqual({ 'through;make': 10, make: 320 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
