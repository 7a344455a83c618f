// Bad frees and reallocs: each kind is recognised exactly, has its three contexts, and changes nothing.

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

describe.each(flavours)('heap faults in the %s runtime', (flavour) => {
  const at = (runtime: Runtime, site: number, call: string, ...args: number[]): number => {
    runtime.enterCall(1, 1);
    runtime.enterCall(2, site);
    return runtime.call(call, ...args);
  };
  const last = (runtime: Runtime) => {
    const fault = runtime.faults.at(-1)!;
    const path = (node: number): string => (node ? runtime.path(node) : '');
    return {
      ...fault,
      context: path(fault.context),
      allocContext: path(fault.allocContext),
      freeContext: path(fault.freeContext),
    };
  };

  it.each([1, 40, 500, 8192, 8193, 300_000])(
    'tells a double free of %i bytes with where it was allocated and freed first',
    async (size) => {
      const runtime = await Runtime.open(flavour);
      const block = at(runtime, 0x10, 'malloc', size);
      at(runtime, 0x20, 'free', block);
      at(runtime, 0x30, 'free', block);
      expect(last(runtime)).toMatchObject({
        kind: layout.FAULT_DOUBLE_FREE,
        address: block,
        context: '1/30',
        allocContext: '1/10',
        freeContext: '1/20',
        block,
      });
      expect(runtime.faults).toHaveLength(1);
      expect(runtime.liveObjects).toBe(0);
      runtime.check();
    },
  );

  it('remembers freed blocks among thousands, until their memory is used again', async () => {
    const runtime = await Runtime.open(flavour);
    const blocks = Array.from({ length: 3000 }, (_, i) =>
      at(runtime, 0x10 + (i % 5), 'malloc', (i * 7) % 3000),
    );
    const large = Array.from({ length: 50 }, (_, i) => at(runtime, 0x40, 'malloc', 20_000 + i * 4000));
    for (const block of [...blocks, ...large]) at(runtime, 0x20, 'free', block);
    for (const [i, block] of blocks.entries()) {
      at(runtime, 0x30, 'free', block);
      expect(last(runtime)).toMatchObject({
        kind: layout.FAULT_DOUBLE_FREE,
        allocContext: `1/${(0x10 + (i % 5)).toString(16)}`,
        freeContext: '1/20',
      });
    }
    for (const block of large) {
      at(runtime, 0x30, 'free', block);
      expect(last(runtime)).toMatchObject({
        kind: layout.FAULT_DOUBLE_FREE,
        allocContext: '1/40',
        freeContext: '1/20',
      });
    }
    runtime.check();
    const again = blocks.map((_, i) => at(runtime, 0x50, 'malloc', (i * 7) % 3000));
    const faults = runtime.faults.length;
    for (const block of again) at(runtime, 0x60, 'free', block);
    expect(runtime.faults).toHaveLength(faults);
    runtime.check();
  });

  it('names no place of the first free when it was told not to remember any', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', 0);
    const block = at(runtime, 0x10, 'malloc', 8);
    at(runtime, 0x20, 'free', block);
    at(runtime, 0x30, 'free', block);
    expect(last(runtime)).toMatchObject({
      kind: layout.FAULT_DOUBLE_FREE,
      context: '1/30',
      allocContext: '1/10',
      freeContext: '',
    });
    const contexts = runtime.runtime(layout.RUNTIME_CONTEXTS);
    const other = at(runtime, 0x10, 'malloc', 8);
    for (const [depth, site] of [7, 8, 9].entries()) runtime.enterCall(depth + 1, site);
    runtime.call('free', other);
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(contexts);
    runtime.check();
  });

  it('knows only the call site of frees in ever new contexts, once there were thousands', async () => {
    const runtime = await Runtime.open(flavour);
    const freed = (path: readonly number[]): string => {
      const block = at(runtime, 0x10, 'malloc', 8);
      for (const [depth, site] of path.entries()) runtime.enterCall(depth + 1, site);
      runtime.call('free', block);
      at(runtime, 0x30, 'free', block);
      return last(runtime).freeContext;
    };
    const contexts = (): number => runtime.runtime(layout.RUNTIME_CONTEXTS);
    const before = contexts();
    for (let site = 1; site <= 4096; site++) {
      const block = at(runtime, 0x10, 'malloc', 8);
      for (const [depth, next] of [site, 0x20, 0x21].entries()) runtime.enterCall(depth + 1, next);
      runtime.call('free', block);
    }
    expect(contexts() - before).toBeGreaterThan(2 * 4096);
    const full = contexts();
    expect(freed([5000, 0x20, 0x22])).toBe('fffffffe/22');
    expect(freed([5001, 0x20, 0x1000000])).toBe('fffffffe');
    // A context that is resolved is still known.
    const block = at(runtime, 0x10, 'malloc', 8);
    for (const [depth, site] of [5002, 0x20, 0x23].entries()) runtime.enterCall(depth + 1, site);
    const kept = [runtime.call('malloc', 8), runtime.call('malloc', 8)];
    runtime.enterCall(3, 0x24);
    runtime.call('free', block);
    at(runtime, 0x30, 'free', block);
    expect(last(runtime).freeContext).toBe('138a/20/24');
    expect(kept).not.toContain(0);
    expect(contexts() - full).toBeLessThan(12);
    runtime.check();
  });

  it('recognises a free inside a block at any distance', async () => {
    const runtime = await Runtime.open(flavour);
    for (const size of [16, 40, 100, 3000, 8192, 100_000]) {
      const block = at(runtime, 0x10, 'malloc', size);
      for (const offset of [1, 4, 8, 15, 16, 24, 4096, 65_536].filter((offset) => offset < size)) {
        at(runtime, 0x30, 'free', block + offset);
        expect(last(runtime)).toMatchObject({
          kind: layout.FAULT_INTERIOR_FREE,
          address: block + offset,
          context: '1/30',
          allocContext: '1/10',
          freeContext: '',
          block,
          blockSize: size,
        });
      }
      at(runtime, 0x20, 'free', block);
    }
    expect(runtime.liveObjects).toBe(0);
    runtime.check();
  });

  it('recognises a free of static data, of the stack, of the end of memory and of addresses beyond it', async () => {
    const runtime = await Runtime.open(flavour);
    const strangers = [1, 16, runtime.base, runtime.shadow + 8, 0x7ffffff0, 0xfffffff0, 0xffffffff];
    for (const [i, address] of strangers.entries()) {
      at(runtime, 0x30, 'free', address);
      expect(last(runtime)).toMatchObject({
        kind: layout.FAULT_FOREIGN_FREE,
        address,
        allocContext: '',
        block: 0,
      });
      expect(runtime.runtime(layout.RUNTIME_FAULTS)).toBe(i + 1);
    }
    at(runtime, 0x10, 'malloc', 10);
    for (const address of strangers) {
      at(runtime, 0x30, 'free', address);
      expect(last(runtime)).toMatchObject({ kind: layout.FAULT_FOREIGN_FREE, address });
    }
    expect(runtime.liveObjects).toBe(1);
    runtime.check();
  });

  it('recognises a free of heap memory that no block ever had, and never mistakes metadata for a block', async () => {
    const runtime = await Runtime.open(flavour);
    const block = at(runtime, 0x10, 'malloc', 100);
    at(runtime, 0x10, 'malloc', 50_000);
    at(runtime, 0x30, 'free', block + 112);
    expect(last(runtime).kind).toBe(layout.FAULT_UNALLOCATED_FREE);
    const live = runtime.blocks();
    const end = runtime.memory.buffer.byteLength;
    for (let address = block & ~4095; address < Math.min(end, block + 400_000); address += 16) {
      if (live.has(address)) continue;
      const before = runtime.faults.length;
      at(runtime, 0x30, 'free', address);
      expect(runtime.faults).toHaveLength(before + 1);
      expect(last(runtime).kind).not.toBe(layout.FAULT_DOUBLE_FREE);
    }
    runtime.check();
    expect(runtime.blocks()).toEqual(live);
  });

  it('knows that there is no block behind the last one of a span, whatever bytes are left there', async () => {
    const runtime = await Runtime.open(flavour);
    const sizes = Array.from({ length: 32 }, (_, i) => 16 * (i + 1));
    // Spans grow with the number of pages that their class holds, up to 16. Each length leaves another rest at its end.
    for (const size of sizes)
      for (let held = 0; held < 600_000; held += size) at(runtime, 0x10, 'malloc', size);
    let tried = 0;
    for (const { base, size, blocks } of runtime.spans()) {
      if (size > 512) continue;
      const end = (base + blocks * size + 4095) & ~4095;
      for (let address = base + blocks * size; address < end; address += 16, tried++) {
        expect(runtime.call('malloc_usable_size', address)).toBe(0);
        at(runtime, 0x30, 'free', address);
        expect(last(runtime)).toMatchObject({ kind: layout.FAULT_UNALLOCATED_FREE, address, block: 0 });
      }
    }
    expect(tried).toBeGreaterThan(100);
    expect(runtime.runtime(layout.RUNTIME_FAULTS)).toBe(tried);
    runtime.check();
  });

  it('answers realloc of freed, interior and foreign pointers with NULL', async () => {
    const runtime = await Runtime.open(flavour);
    const block = at(runtime, 0x10, 'malloc', 100);
    const other = at(runtime, 0x11, 'malloc', 100);
    at(runtime, 0x20, 'free', block);
    expect(at(runtime, 0x30, 'realloc', block, 200)).toBe(0);
    expect(last(runtime)).toMatchObject({
      kind: layout.FAULT_REALLOC_FREED,
      context: '1/30',
      allocContext: '1/10',
      freeContext: '1/20',
    });
    expect(at(runtime, 0x30, 'realloc', other + 8, 200)).toBe(0);
    expect(last(runtime)).toMatchObject({
      kind: layout.FAULT_REALLOC_FOREIGN,
      block: other,
      allocContext: '1/11',
    });
    expect(at(runtime, 0x30, 'realloc', 4096 * 3 + 16, 200)).toBe(0);
    expect(last(runtime)).toMatchObject({ kind: layout.FAULT_REALLOC_FOREIGN, block: 0 });
    expect(runtime.liveObjects).toBe(1);
    runtime.check();
  });

  it('names the realloc that moved a block as the place that freed it', async () => {
    const runtime = await Runtime.open(flavour);
    const block = at(runtime, 0x10, 'malloc', 100);
    at(runtime, 0x20, 'realloc', block, 50_000);
    at(runtime, 0x30, 'free', block);
    expect(last(runtime)).toMatchObject({ kind: layout.FAULT_DOUBLE_FREE, freeContext: '1/20' });
  });

  it('knows where a free deep in the stack and one from the host happened', async () => {
    const runtime = await Runtime.open(flavour);
    const [a, b] = [at(runtime, 0x10, 'malloc', 10), at(runtime, 0x10, 'malloc', 10)];
    for (let depth = 1; depth < 20_000; depth++) runtime.enterCall(depth, depth);
    runtime.call('free', a);
    runtime.enterCall(1, layout.SITE_HOST_PENDING);
    runtime.call('free', b);
    at(runtime, 0x30, 'free', a);
    const path = last(runtime).freeContext.split('/');
    expect(path.slice(-2)).toEqual([layout.SITE_TRUNCATED.toString(16), (19_999).toString(16)]);
    expect(path).toHaveLength(layout.SHADOW_SLOTS);
    at(runtime, 0x30, 'free', b);
    expect(last(runtime).freeContext).toBe(layout.SITE_HOST_FLAG.toString(16));
  });

  it('keeps the last 64 records and counts all', async () => {
    const runtime = await Runtime.open(flavour);
    for (let i = 1; i <= 100; i++) at(runtime, i, 'free', i * 16);
    expect(runtime.runtime(layout.RUNTIME_FAULTS)).toBe(100);
    const ring = runtime.runtime(layout.RUNTIME_FAULT_RING);
    const addresses = Array.from({ length: 64 }, (_, i) =>
      runtime.u32(ring + i * layout.FAULT_SIZE + layout.FAULT_ADDRESS),
    );
    expect([...addresses].sort((x, y) => x - y)).toEqual(Array.from({ length: 64 }, (_, i) => (i + 37) * 16));
  });

  it('lets the host stop the guest at the fault, with the heap intact', async () => {
    const runtime = await Runtime.open(flavour);
    const block = at(runtime, 0x10, 'malloc', 10);
    at(runtime, 0x20, 'free', block);
    runtime.onFault = () => {
      throw new Error('stop');
    };
    expect(() => at(runtime, 0x30, 'free', block)).toThrow('stop');
    runtime.check();
    expect(at(runtime, 0x10, 'malloc', 10)).not.toBe(0);
  });
});
