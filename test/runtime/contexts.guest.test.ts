// From slots to contexts: lazy resolving, host entries, depth beyond the shadow stack, tracing, the exit hook.

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

const hex = (sites: readonly number[]): string => sites.map((site) => (site >>> 0).toString(16)).join('/');

describe.each(flavours)('contexts in the %s runtime', (flavour) => {
  const contextOf = (runtime: Runtime, address: number): string =>
    runtime.path(runtime.blocks().get(address)!.context);

  it('puts an allocation without any slot on the root', async () => {
    const runtime = await Runtime.open(flavour);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe('');
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(1);
  });

  it('resolves slots that were written before the first allocation ever', async () => {
    const runtime = await Runtime.open(flavour);
    for (let depth = 1; depth <= 5; depth++) runtime.enterCall(depth, depth * 16);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe('10/20/30/40/50');
  });

  it('believes no slot that a later call has overwritten', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.enterCall(1, 1);
    runtime.enterCall(2, 2);
    runtime.enterCall(3, 3);
    runtime.call('malloc', 8);
    runtime.enterCall(2, 9);
    runtime.enterCall(3, 3);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe('1/9/3');
    runtime.enterCall(1, 4);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe('4');
  });

  it('tells apart paths that have the same hash', async () => {
    const runtime = await Runtime.open(flavour);
    // The hash is rotated by 5 for each site, and the site is combined by exclusive or. So a bit of one site and a bit of
    // the site below can cancel each other.
    const paths = [
      [7, 64, 8],
      [7, 64 ^ 32, 8 ^ 1],
      [7 ^ 1024, 64, 8 ^ 1],
      [7 ^ 1024, 64 ^ 32, 8],
    ];
    for (let round = 0; round < 5; round++) {
      for (const path of paths) {
        for (const [depth, site] of path.entries()) runtime.enterCall(depth + 1, site);
        expect(contextOf(runtime, runtime.call('malloc', 8))).toBe(hex(path));
        runtime.enterCall(path.length, 99);
        expect(contextOf(runtime, runtime.call('calloc', 1, 8))).toBe(hex([...path.slice(0, -1), 99]));
      }
    }
    runtime.check();
  });

  it('finds every child of a context that has a thousand', async () => {
    const runtime = await Runtime.open(flavour);
    const blocks: [number, string][] = [];
    for (let round = 0; round < 3; round++) {
      for (let site = 1; site <= 1000; site++) {
        runtime.enterCall(1, 7);
        runtime.enterCall(2, (site * 7919) % 65_536);
        blocks.push([runtime.call('malloc', 8), hex([7, (site * 7919) % 65_536])]);
      }
    }
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(1002);
    const all = runtime.blocks();
    for (const [address, path] of blocks) expect(runtime.path(all.get(address)!.context)).toBe(path);
    runtime.check();
  });

  it('lets a call site be both an allocation and a caller, as an indirect call may be', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.enterCall(1, 5);
    const direct = runtime.call('malloc', 8);
    runtime.enterCall(1, 5);
    runtime.enterCall(2, 6);
    const below = runtime.call('malloc', 8);
    runtime.enterCall(1, 5);
    runtime.call('malloc', 8);
    expect(contextOf(runtime, direct)).toBe('5');
    expect(contextOf(runtime, below)).toBe('5/6');
    runtime.enterCall(1, 8);
    runtime.enterCall(2, 9);
    runtime.call('malloc', 8);
    runtime.enterCall(1, 8);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe('8');
    runtime.enterCall(1, 8);
    runtime.enterCall(2, 9);
    runtime.call('malloc', 8);
    expect(runtime.runtime(layout.RUNTIME_CONTEXTS)).toBe(5);
    runtime.check();
  });

  it('asks the host for its stack once per entry, at the first allocation', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', layout.FLAG_HOST_FRAMES | layout.FLAG_FREE_CONTEXTS);
    let id = 41;
    runtime.hostStack = () => ++id;
    for (let entry = 0; entry < 2; entry++) {
      runtime.enterCall(1, layout.SITE_HOST_PENDING);
      for (let site = 1; site <= 3; site++) {
        runtime.enterCall(2, site);
        expect(contextOf(runtime, runtime.call('malloc', 8))).toBe(
          hex([(layout.SITE_HOST_FLAG | (42 + entry)) >>> 0, site]),
        );
      }
    }
    expect(runtime.hostStacksAsked).toBe(2);
  });

  it('nests host entries, each with its own stack', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', layout.FLAG_HOST_FRAMES);
    let id = 0;
    runtime.hostStack = () => ++id;
    runtime.enterCall(1, layout.SITE_HOST_PENDING);
    runtime.enterCall(2, 5);
    runtime.enterCall(3, layout.SITE_HOST_PENDING);
    runtime.enterCall(4, 6);
    const path = contextOf(runtime, runtime.call('malloc', 8));
    expect(path).toBe(hex([0x80000001, 5, 0x80000002, 6]));
  });

  it('does not ask when host frames are off', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.enterCall(1, layout.SITE_HOST_PENDING);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe(hex([layout.SITE_HOST_FLAG]));
    expect(runtime.hostStacksAsked).toBe(0);
  });

  it('does not ask the host for an entry that only frees', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', layout.FLAG_HOST_FRAMES | layout.FLAG_FREE_CONTEXTS);
    runtime.hostStack = () => 5;
    const block = runtime.call('malloc', 8);
    runtime.enterCall(1, layout.SITE_HOST_PENDING);
    runtime.enterCall(2, 3);
    runtime.call('free', block);
    expect(runtime.hostStacksAsked).toBe(0);
    // An allocation in the same entry still gets the host's frames.
    runtime.enterCall(2, 4);
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe(hex([0x80000005, 4]));
    runtime.check();
  });

  it('survives a host that throws when it is asked for its stack', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', layout.FLAG_HOST_FRAMES);
    runtime.hostStack = () => {
      throw new Error('no stack today');
    };
    runtime.enterCall(1, layout.SITE_HOST_PENDING);
    expect(() => runtime.call('malloc', 8)).toThrow('no stack today');
    runtime.hostStack = () => 3;
    expect(contextOf(runtime, runtime.call('malloc', 8))).toBe(hex([0x80000003]));
    runtime.check();
  });

  it('truncates a recursion deeper than the shadow stack, says so, and writes no byte outside it', async () => {
    const runtime = await Runtime.open(flavour);
    const end = runtime.shadow + layout.SHADOW_SLOTS * layout.SLOT_SIZE;
    const before = runtime.bytes(end, 64).slice();
    for (let depth = 1; depth <= 100_000; depth++) {
      runtime.enterCall(depth, 0x1000 + (depth % 3));
      if (depth % 5000 === 0) runtime.call('malloc', 8);
    }
    runtime.enterCall(100_001, 0x77);
    const path = contextOf(runtime, runtime.call('malloc', 8)).split('/');
    expect(path).toHaveLength(layout.SHADOW_SLOTS);
    expect(path.slice(-2)).toEqual([layout.SITE_TRUNCATED.toString(16), '77']);
    expect(path.slice(0, 3)).toEqual(['1001', '1002', '1000']);
    expect(runtime.bytes(end, 64)).toEqual(before);
    // Back at a depth that fits, contexts are whole again.
    runtime.enterCall(layout.SHADOW_SLOTS - 2, 0x99);
    expect(contextOf(runtime, runtime.call('malloc', 8)).split('/')).toHaveLength(layout.SHADOW_SLOTS - 2);
    runtime.check();
  });

  it('reports every allocation to the host while tracing, and nothing after', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('heapline_set_flags', layout.FLAG_TRACE);
    runtime.enterCall(1, 17);
    const a = runtime.call('malloc', 10);
    const b = runtime.call('calloc', 2, 30);
    const c = runtime.call('realloc', a, 90_000);
    const d = runtime.call('memalign', 64, 5);
    expect(runtime.traces.map(({ address, size }) => [address, size])).toEqual([
      [a, 10],
      [b, 60],
      [c, 90_000],
      [d, 5],
    ]);
    for (const trace of runtime.traces) expect(runtime.path(trace.node)).toBe('11');
    runtime.call('heapline_set_flags', 0);
    runtime.call('malloc', 10);
    expect(runtime.traces).toHaveLength(4);
  });

  it('gives blocks serial numbers in the order of allocation', async () => {
    const runtime = await Runtime.open(flavour);
    const blocks = Array.from({ length: 20 }, (_, i) => runtime.call('malloc', i * 1000));
    const all = runtime.blocks();
    expect(blocks.map((address) => all.get(address)!.serial)).toEqual(blocks.map((_, i) => i + 1));
    expect(runtime.runtime(layout.RUNTIME_SERIAL)).toBe(20);
  });

  it('tells the host of exit() before it happens', async () => {
    const runtime = await Runtime.open(flavour);
    expect(() => runtime.call('__wrap_exit', 7)).toThrow();
    expect(runtime.exits).toEqual([7]);
  });
});
