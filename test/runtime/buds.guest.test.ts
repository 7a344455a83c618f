// Contexts that have allocated once have one entry for the end of their path. They get nodes as soon as the path comes
// again, and their figures are the same before and after. (The model in ledger.guest.test.ts covers buds and nodes.)

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

describe.each(flavours)('buds in the %s runtime', (flavour) => {
  const nodesAndBuds = (runtime: Runtime): { nodes: number; buds: number } => {
    const all = [...runtime.nodes()];
    const buds = all.filter((node) => runtime.isBud(node)).length;
    return { nodes: all.length - buds, buds };
  };
  const allocate = (runtime: Runtime, path: readonly number[], size = 8): number => {
    path.forEach((site, index) => {
      runtime.enterCall(index + 1, site);
    });
    return runtime.call('malloc', size);
  };
  const contextOf = (runtime: Runtime, address: number): number => runtime.blocks().get(address)!.context;

  it('folds the end of a new path into one entry, and counts all its contexts', async () => {
    const runtime = await Runtime.open(flavour);
    const block = allocate(runtime, [1, 2, 3]);
    expect(nodesAndBuds(runtime)).toEqual({ nodes: 1, buds: 1 });
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(4);
    expect(runtime.path(contextOf(runtime, block))).toBe('1/2/3');
    allocate(runtime, [4, 5, 6, 7, 8]);
    expect(nodesAndBuds(runtime)).toEqual({ nodes: 3, buds: 2 });
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(9);
    runtime.check();
  });

  it('grows a node for each site that another path shares, and leaves the bud with the rest', async () => {
    const runtime = await Runtime.open(flavour);
    const first = allocate(runtime, [1, 2, 3]);
    const context = contextOf(runtime, first);
    allocate(runtime, [1, 2, 4]);
    expect(nodesAndBuds(runtime)).toEqual({ nodes: 3, buds: 2 });
    allocate(runtime, [1, 9]);
    expect(nodesAndBuds(runtime)).toEqual({ nodes: 3, buds: 3 });
    expect(contextOf(runtime, first)).toBe(context);
    expect([...runtime.contexts().keys()].sort()).toEqual(['', '1/2/3', '1/2/4', '1/9']);
    runtime.check();
  });

  it('turns into a node with an account when its path comes again, with the same figures', async () => {
    for (const end of ['in use', 'freed', 'temporary'] as const) {
      const runtime = await Runtime.open(flavour);
      const block = allocate(runtime, [1, 2, 3], 100);
      const context = contextOf(runtime, block);
      if (end === 'freed') allocate(runtime, [9], 1);
      if (end !== 'in use') runtime.call('free', block);
      const before = runtime.contexts().get('1/2/3')!;
      expect(before.temporaryObjects).toBe(end === 'temporary' ? 1 : 0);
      expect(before.lifetime).toBe(end === 'freed' ? 1 : 0);
      const again = allocate(runtime, [1, 2, 3], 50);
      expect(runtime.isBud(context)).toBe(false);
      expect(contextOf(runtime, again)).toBe(context);
      runtime.call('free', again);
      const after = runtime.contexts().get('1/2/3')!;
      expect(after.allocObjects).toBe(2);
      expect(after.allocBytes).toBe(150);
      expect(after.liveBytes).toBe(before.liveBytes);
      expect(after.temporaryObjects).toBe(before.temporaryObjects + 1);
      runtime.check();
    }
  });

  it('knows who allocated and who freed a block whose contexts are buds', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', layout.FLAG_FREE_CONTEXTS);
    const block = allocate(runtime, [1, 2, 3]);
    runtime.enterCall(2, 4);
    const moved = runtime.call('realloc', block, 9000);
    runtime.enterCall(2, 5);
    runtime.call('free', block);
    const [fault] = runtime.faults;
    expect(runtime.path(fault!.allocContext)).toBe('1/2/3');
    expect(runtime.path(fault!.freeContext)).toBe('1/4');
    expect(runtime.path(contextOf(runtime, moved))).toBe('1/4');
    runtime.check();
  });

  it('has no buds below a context with many children', async () => {
    const runtime = await Runtime.open(flavour);
    for (let site = 1; site <= 40; site++) allocate(runtime, [7, site, 1]);
    for (let site = 1; site <= 40; site++) allocate(runtime, [7, site, 2]);
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(2 + 40 + 80);
    expect([...runtime.contexts()].filter(([path]) => path.startsWith('7/'))).toHaveLength(80);
    runtime.check();
  });

  it('has no bud for sites that do not fit', async () => {
    const runtime = await Runtime.open(flavour);
    const block = allocate(runtime, [1, 0x1000000, 2]);
    expect(nodesAndBuds(runtime)).toEqual({ nodes: 3, buds: 1 });
    expect(runtime.path(contextOf(runtime, block))).toBe('1/1000000/2');
    allocate(runtime, [3, 0x1000000]);
    expect(nodesAndBuds(runtime)).toEqual({ nodes: 5, buds: 1 });
    runtime.check();
  });

  it('stays exact when the clock or the peaks outgrow the fields of a bud', async () => {
    for (const field of ['clock', 'epoch'] as const) {
      const runtime = await Runtime.open(flavour);
      runtime.enterCall(1, 6);
      runtime.call('malloc', 4);
      runtime.call('malloc', 4); // an account near the root
      const early = allocate(runtime, [1, 2], 100);
      // Nobody has allocated a terabyte here. The totals say so, and the root's account is changed to agree with them.
      const root = runtime.u32(runtime.runtime(layout.RUNTIME_ROOT_NODE) + layout.NODE_LINK) - 1;
      if (field === 'clock') {
        for (const high of [
          runtime.base + layout.RUNTIME_ALLOC_BYTES + 4,
          root + layout.ACCOUNT_ALLOC_BYTES + 4,
        ]) {
          runtime.setU32(high, 0x100);
        }
      } else {
        runtime.setU32(runtime.base + layout.RUNTIME_PEAK_EPOCH, 0x1000000);
      }
      allocate(runtime, [3, 4], 8);
      expect(nodesAndBuds(runtime).buds).toBe(1);
      runtime.check();
      runtime.call('free', early);
      runtime.check();
      expect(nodesAndBuds(runtime).buds).toBe(0);
      expect(runtime.contexts().get('1/2')).toMatchObject({ allocObjects: 1, allocBytes: 100, liveBytes: 0 });
      const late = allocate(runtime, [1, 2], 60);
      expect(runtime.contexts().get('1/2')).toMatchObject({ allocObjects: 2, liveBytes: 60 });
      runtime.call('free', late);
      runtime.check();
    }
  });

  it('loses nothing when there is no memory for a bud, or to let it grow', async () => {
    const runtime = await Runtime.open(flavour, { initial: 4, maximum: 8 });
    const blocks: number[] = [];
    for (let path = 1, block = 1; block !== 0; path++) {
      block = allocate(runtime, [path & 7, path >> 3, path], 16);
      if (block) blocks.push(block);
      if (path % 500 === 0) runtime.check();
    }
    expect(blocks.length).toBeGreaterThan(1000);
    runtime.check();
    for (let path = 1; path < 2000; path++) {
      runtime.call('free', blocks.pop()!);
      const block = allocate(runtime, [path & 7, path >> 3, path, path], 16);
      if (block) blocks.push(block);
    }
    runtime.check();
    for (const block of blocks) runtime.call('free', block);
    expect(runtime.liveBytes).toBe(0);
    runtime.check();
  });
});
