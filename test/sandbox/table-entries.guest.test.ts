// JavaScript enters the guest through the function table in the same way as through an export: each such call has a stack
// of its own, below the frames that were there before, and leaves the stacks as it found them however it ends.

import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Frame, Sandbox } from '../../src/index.ts';
import { load } from '../support/guest-programs.ts';

const FLAGS = {
  flags: ['-O1', '-fexceptions'],
  link: ['-fexceptions', '-sALLOW_TABLE_GROWTH=1', '-sEXPORTED_RUNTIME_METHODS=FS,ENV,addFunction'],
};

/** Objects and bytes by the C functions that led to them, outermost first. */
function stacks(sandbox: Sandbox): Record<string, string> {
  const found: Record<string, string> = {};
  const sums = new Map<string, [number, number]>();
  for (const { frames, values } of sandbox.heap.profile().samples()) {
    const names = frames.filter(({ language }) => language === 'c').map((frame) => frame.function);
    const stack = names.reverse().join(';');
    const sum = sums.get(stack) ?? [0, 0];
    sums.set(stack, [sum[0] + values[0]!, sum[1] + values[1]!]);
  }
  for (const [stack, [objects, bytes]] of [...sums].sort()) found[stack] = `${objects} × ${bytes / objects}`;
  return found;
}

type Functions = Record<string, (...args: number[]) => number>;

async function open(): Promise<{ lib: Sandbox; call: Functions }> {
  const lib = await load('emscripten', 'table-entries.cpp', FLAGS);
  return { lib, call: lib.exports as Functions };
}

describe('a call through the table', () => {
  test('is below the call of JavaScript that made it, not below the one before', async () => {
    const { lib, call } = await open();
    call.twice!(20_000);
    expect(stacks(lib)).toEqual({
      'twice;first;keep': '20000 × 11',
      'twice;second;deep;deep;deep;keep': '20000 × 100',
    });
  });

  test('made later, when nothing is active, starts a stack of its own', async () => {
    const { lib, call } = await open();
    call.later!(3);
    await setTimeout(100);
    expect(stacks(lib)).toEqual({ 'first;keep': '3 × 61', 'second;deep;deep;deep;deep;keep': '3 × 100' });
    call.twice!(1);
    expect(Object.keys(stacks(lib))).toContain('twice;first;keep');
  });

  test('made by invoke_* is no entry: the stack of C goes on', async () => {
    const { lib, call } = await open();
    call.through_invoke!();
    expect(stacks(lib)).toEqual({
      'through_invoke;guarded;first;keep': '1 × 21',
      'through_invoke;guarded;second;deep;deep;keep': '1 × 100',
    });
    const ours = [...lib.heap.profile().samples()].map(({ frames }) => hostFrames(frames).length);
    expect(ours).toEqual([1, 1]);
  });

  test('below an invoke_* is an entry', async () => {
    const { lib, call } = await open();
    call.entry_below_invoke!();
    call.through_script!(70);
    expect(stacks(lib)).toEqual({
      'entry_below_invoke;guarded;calls_script;first;keep': '2 × 31.5',
      'through_script;guarded;first;keep': '1 × 71',
    });
  });

  test('may be left by an exception of C++ that is caught further out', async () => {
    const { lib, call } = await open();
    const before = call.stack_pointer!();
    call.exception_through_script!();
    expect(stacks(lib)['exception_through_script;first;keep']).toBe('2 × 41');
    expect(call.stack_pointer!()).toBe(before);
  });

  test('that traps leaves both stacks as they were when JavaScript catches the error', async () => {
    const { lib, call } = await open();
    expect(call.after_trap!()).toBe(0);
    expect(call.after_exit!()).toBe(1);
    call.twice!(1);
    expect(stacks(lib)).toEqual({
      'after_trap;first;keep': '1 × 51',
      'twice;first;keep': '1 × 11',
      'twice;second;deep;deep;deep;keep': '1 × 100',
    });
  });

  test('that traps when nothing else is active leaves both stacks empty', async () => {
    const { lib, call } = await open();
    const before = call.stack_pointer!();
    call.trap_later!();
    await setTimeout(50);
    expect(call.caught_in_script!()).toBe(1);
    expect(call.stack_pointer!()).toBe(before);
    call.twice!(1);
    expect(Object.keys(stacks(lib))).toEqual(['twice;first;keep', 'twice;second;deep;deep;deep;keep']);
  });

  test('goes through a function that is the same every time, has its length, and may be put back', async () => {
    const { call } = await open();
    expect(call.same!()).toBe(63);
  });
});

function hostFrames(frames: readonly Frame[]): readonly Frame[] {
  return frames.filter(
    ({ language, file }) => language === 'js' && file.endsWith('table-entries.guest.test.ts'),
  );
}
