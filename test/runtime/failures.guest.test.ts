// Allocations that fail because there is no memory: the host is told of each, with its size and context, and nothing else
// changes.

import { beforeEach, describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

const HUGE = 0xfffffffe;

describe.each(flavours)('a failed allocation (%s)', (flavour) => {
  let runtime: Runtime;
  beforeEach(async () => {
    runtime = await Runtime.open(flavour, { initial: 4, maximum: 16 });
  });
  const failed = (): number => runtime.runtime(layout.RUNTIME_FAILED);
  const site = (address: number): void => runtime.enterCall(1, address);

  it.each<[string, number[], number]>([
    ['malloc', [HUGE], HUGE],
    ['malloc', [0x40000000], 0x40000000],
    ['calloc', [0x10000, 0x10000], 2 ** 32],
    ['calloc', [0xffffffff, 0xffffffff], 0xffffffff * 0xffffffff],
    ['calloc', [0x4000, 0x4000], 2 ** 28],
    ['aligned_alloc', [64, HUGE], HUGE],
    ['memalign', [0x80000000, 8], 8],
    ['memalign', [3, 0x20000000], 0x20000000],
    ['posix_memalign', [1024, 64, 0x30000000], 0x30000000],
    ['valloc', [0x30000000], 0x30000000],
    ['realloc', [0, HUGE], HUGE],
    ['reallocarray', [0, 0x10000, 0x10000], 2 ** 32],
  ])('of %s(%s) is reported with its size and call site, even as the very first call', (name, args, size) => {
    site(0x1234);
    const result = runtime.call(name, ...args);
    expect(result).toBe(name === 'posix_memalign' ? 48 : 0);
    expect(runtime.failures.map((failure) => failure.size)).toEqual([size]);
    expect(runtime.path(runtime.failures[0]!.context)).toBe('1234');
    expect([failed(), runtime.errno, runtime.faults.length]).toEqual([1, 48, 0]);
    expect([runtime.liveObjects, runtime.liveBytes]).toEqual([0, 0]);
    runtime.check();
  });

  it('of realloc keeps the block', () => {
    site(1);
    const block = runtime.call('malloc', 100);
    site(2);
    expect(runtime.call('realloc', block, 0x50000000)).toBe(0);
    expect(runtime.call('realloc', block, HUGE)).toBe(0);
    expect(runtime.failures.map((failure) => [failure.size, runtime.path(failure.context)])).toEqual([
      [0x50000000, '2'],
      [HUGE, '2'],
    ]);
    expect(runtime.blocks().get(block)!.size).toBe(100);
    runtime.check();
  });

  it('is reported each time memory is exhausted, also for small blocks', () => {
    let made = 0;
    for (site(7); runtime.call('malloc', 500) !== 0; site(7)) made++;
    for (let i = 0; i < 5; i++) {
      site(8 + i);
      expect(runtime.call('malloc', 500)).toBe(0);
    }
    expect(made).toBeGreaterThan(100);
    expect(failed()).toBe(6);
    expect(runtime.failures.map((failure) => failure.size)).toEqual(Array(6).fill(500));
    runtime.check();
  });

  it('is not reported for a bad alignment, which C does not allow', () => {
    expect(runtime.call('aligned_alloc', 3, 100)).toBe(0);
    expect(runtime.call('posix_memalign', 1024, 3, 100)).toBe(28);
    expect(runtime.call('posix_memalign', 1024, 2, 100)).toBe(28);
    expect([failed(), runtime.failures]).toEqual([0, []]);
  });
});
