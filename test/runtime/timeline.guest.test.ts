// The runtime asks for points of the timeline where allocating is slow anyway, when as many bytes have been allocated as
// the host has said, and at points the ledger is whole.

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

describe.each(flavours)('the timeline of the %s runtime', (flavour) => {
  const open = () => Runtime.open(flavour, { maximum: 4096 }, 'debug');

  it('asks for nothing unless it was started, and no more once the host wants no more', async () => {
    const runtime = await open();
    let points = 0;
    runtime.onPoint = () => (++points < 3 ? 1 : 0);
    const work = (): void => {
      for (let i = 0; i < 50; i++) runtime.call('free', runtime.call('malloc', 100_000));
    };
    work();
    expect(points).toBe(0);
    runtime.call('heapline_set_timeline', 1);
    work();
    expect(points).toBe(3);
    runtime.onPoint = () => 1;
    runtime.call('heapline_set_timeline', 1);
    runtime.call('heapline_set_timeline', 0);
    work();
    expect(points).toBe(3);
  });

  it('keeps the distance between points', async () => {
    const runtime = await open();
    const at: number[] = [];
    runtime.onPoint = () => {
      at.push(runtime.runtime(layout.RUNTIME_ALLOC_BYTES));
      return 10_000;
    };
    runtime.call('heapline_set_timeline', 10_000);
    for (let i = 0; i < 2000; i++) runtime.call('malloc', 100);
    expect(at.length).toBeGreaterThan(5);
    expect(at.length).toBeLessThanOrEqual(20);
    for (const [i, bytes] of at.entries()) expect(bytes - (at[i - 1] ?? 0)).toBeGreaterThanOrEqual(10_000);
  });

  it.each([
    ['small blocks', (runtime: Runtime) => runtime.call('malloc', 40)],
    ['large blocks', (runtime: Runtime) => runtime.call('malloc', 40_000)],
    ['aligned blocks', (runtime: Runtime) => runtime.call('aligned_alloc', 8192, 20_000)],
    ['zeroed blocks', (runtime: Runtime) => runtime.call('calloc', 7, 9)],
  ])('finds the ledger whole at points of %s', async (_, allocate) => {
    const runtime = await open();
    let points = 0;
    runtime.onPoint = () => {
      points++;
      runtime.check();
      return 1;
    };
    runtime.call('heapline_set_timeline', 1);
    for (let i = 0; i < 1000; i++) {
      runtime.enterCall(1, i % 7);
      allocate(runtime);
    }
    expect(points).toBeGreaterThan(3);
  });

  it('finds the ledger whole at points of a block that grows', async () => {
    const runtime = await open();
    let points = 0;
    runtime.onPoint = () => {
      points++;
      runtime.check();
      return 1;
    };
    runtime.call('heapline_set_timeline', 1);
    let block = 0;
    for (let i = 1; i < 200; i++) block = runtime.call('realloc', block, i * 5000);
    expect(points).toBeGreaterThan(20);
  });
});
