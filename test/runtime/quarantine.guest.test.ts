// Freed blocks that wait before they are used again: a second free of them is judged rightly whatever was allocated
// meanwhile, the quarantine keeps to its limit, and a heap without memory gives the waiting blocks back.

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

const KIB = 2 ** 10;

describe.each(flavours)('the quarantine of the %s runtime', (flavour) => {
  const open = async (quarantine: number, maximum = 4096): Promise<Runtime> => {
    const runtime = await Runtime.open(flavour, { maximum }, 'debug');
    expect(runtime.call('heapline_set_checks', quarantine, 0, 0)).toBe(1);
    return runtime;
  };
  const at = (runtime: Runtime, site: number, call: string, ...args: number[]): number => {
    runtime.enterCall(1, 1);
    runtime.enterCall(2, site);
    return runtime.call(call, ...args);
  };

  it.each([0, 1, 13, 500, 5000, 20_000])(
    'judges a double free of %i bytes after an allocation',
    async (size) => {
      const runtime = await open(256 * KIB);
      const block = at(runtime, 0x10, 'malloc', size);
      at(runtime, 0x20, 'free', block);
      expect(at(runtime, 0x30, 'malloc', size)).not.toBe(block);
      at(runtime, 0x40, 'free', block);
      expect(runtime.faults).toHaveLength(1);
      const fault = runtime.faults[0]!;
      expect(fault).toMatchObject({ kind: layout.FAULT_DOUBLE_FREE, address: block, block, blockSize: size });
      expect([fault.allocContext, fault.freeContext].map((node) => runtime.path(node))).toEqual([
        '1/10',
        '1/20',
      ]);
      expect(runtime.liveObjects).toBe(1);
      runtime.check();
    },
  );

  it('judges a realloc of a block that was moved before', async () => {
    const runtime = await open(256 * KIB);
    const block = at(runtime, 0x10, 'malloc', 100);
    const moved = at(runtime, 0x20, 'realloc', block, 3000);
    expect(moved).not.toBe(block);
    at(runtime, 0x30, 'malloc', 100);
    expect(at(runtime, 0x40, 'realloc', block, 50)).toBe(0);
    expect(runtime.faults[0]).toMatchObject({ kind: layout.FAULT_REALLOC_FREED, block, blockSize: 100 });
    runtime.check();
  });

  it('uses memory again once more than its limit waits', async () => {
    const runtime = await open(64 * KIB);
    const addresses = new Set<number>();
    for (let round = 0; round < 3000; round++) {
      const block = at(runtime, 0x10, 'malloc', 64);
      addresses.add(block);
      at(runtime, 0x20, 'free', block);
    }
    expect(addresses.size).toBeGreaterThanOrEqual(1024);
    expect(addresses.size).toBeLessThan(1200);
    expect(runtime.faults).toEqual([]);
    runtime.check();
    // A smaller limit lets the others go at once, and none takes free and realloc back to the short way.
    runtime.call('heapline_set_checks', 0, 0, 0);
    runtime.check();
    const block = at(runtime, 0x10, 'malloc', 64);
    at(runtime, 0x20, 'free', block);
    expect(at(runtime, 0x10, 'malloc', 64)).toBe(block);
  });

  it('does not keep blocks that are larger than its limit', async () => {
    const runtime = await open(64 * KIB);
    const small = at(runtime, 0x10, 'malloc', 64);
    at(runtime, 0x20, 'free', small);
    const large = at(runtime, 0x10, 'malloc', 100_000);
    at(runtime, 0x20, 'free', large);
    expect(at(runtime, 0x10, 'malloc', 100_000)).toBe(large);
    expect(at(runtime, 0x10, 'malloc', 64)).not.toBe(small);
    runtime.check();
  });

  it('gives waiting blocks back before an allocation fails', async () => {
    const runtime = await open(2 ** 22, 40);
    const count = 30;
    for (let round = 0; round < 4; round++) {
      const blocks = Array.from({ length: count }, () => at(runtime, 0x10, 'malloc', 2 ** 16 - 200));
      expect(blocks).not.toContain(0);
      for (const block of blocks) at(runtime, 0x20, 'free', block);
      runtime.check();
    }
    expect(runtime.failures).toEqual([]);
  });
});
