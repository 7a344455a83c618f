// The shadow against a model of all blocks: after random allocations, frees and reallocs, exactly the bytes of blocks
// in use may be touched, and each wrong access names the kind, the first bad byte and the block that a reader expects.

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { type Fault, flavours, Runtime } from '../support/runtime-module.ts';

const SHADOW_BYTES = 2 ** 22;

describe.each(flavours)('the shadow of the %s runtime', (flavour) => {
  let sites = 0x100;

  const open = async (quarantine = 2 ** 16): Promise<{ runtime: Runtime; shadow: number }> => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    const shadow = Math.ceil(runtime.runtime(layout.RUNTIME_HEAP_BASE) / 65536) * 65536;
    expect(runtime.call('heapline_set_checks', quarantine, shadow, SHADOW_BYTES)).toBe(1);
    runtime.enterCall(1, 1);
    return { runtime, shadow };
  };
  /** The fault that an access is, at a place of its own; null for an access that is allowed. */
  const access = (runtime: Runtime, address: number, size: number, writes = 0): Fault | null => {
    const before = runtime.faults.length;
    sites += 1;
    runtime.call('heapline_access', address, size * 2 + writes, sites);
    return runtime.faults[before] ?? null;
  };

  it('lets the program touch the bytes of its blocks, and no others, whatever it allocates', async () => {
    const { runtime, shadow } = await open();
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    const sizeOf = (): number =>
      [random(20), random(200), random(3000), 8000 + random(300), random(50_000)][random(5)]!;
    const blocks = new Map<number, number>();
    const any = (): number => [...blocks.keys()][random(blocks.size)]!;
    for (let step = 0; step < 600; step++) {
      const size = sizeOf();
      switch (blocks.size < 4 ? 0 : random(5)) {
        case 0:
        case 1: {
          const block = random(2) ? runtime.call('malloc', size) : runtime.call('calloc', 1, size);
          blocks.set(block, size);
          break;
        }
        case 2:
          blocks.set(runtime.call('aligned_alloc', 16 << random(6), size), size);
          break;
        case 3: {
          const block = any();
          const moved = runtime.call('realloc', block, size);
          if (size !== blocks.get(block)) expect(moved).not.toBe(block);
          blocks.delete(block);
          blocks.set(moved, size);
          break;
        }
        default: {
          const block = any();
          runtime.call('free', block);
          blocks.delete(block);
        }
      }
      if (step % 60 > 0) continue;
      runtime.check();
      compareShadow(runtime, shadow, blocks);
    }
    for (const [block, length] of [...blocks].slice(0, 60)) {
      for (const offset of [-16, -1, 0, length - 1, length, length + 15]) {
        const bytes = 1 + random(8);
        const inside = offset >= 0 && offset + bytes <= length;
        const fault = access(runtime, block + offset, bytes);
        if (inside !== (fault === null))
          throw new Error(`${offset}, ${bytes} bytes, of a block of ${length}`);
      }
    }
  });

  /** Looks at the whole shadow of the heap. `blocks` has the size of each block in use, by address. */
  function compareShadow(runtime: Runtime, shadow: number, blocks: ReadonlyMap<number, number>): void {
    const start = shadow + SHADOW_BYTES;
    const end = start + runtime.runtime(layout.RUNTIME_HEAP_BYTES);
    const open = new Uint8Array(end - start);
    for (const [block, length] of blocks) open.fill(1, block - start, block - start + length);
    const bytes = runtime.bytes(shadow, SHADOW_BYTES);
    for (let at = start; at < end; at++) {
      const byte = bytes[at >> layout.SHADOW_SHIFT]!;
      const allowed = byte === 0 || (byte < 8 && (at & 7) < byte);
      if (allowed !== (open[at - start] === 1)) throw new Error(`the shadow of ${at} is ${byte}`);
    }
  }

  it('names the kind, the first bad byte, and the nearest block', async () => {
    const { runtime, shadow } = await open();
    const left = runtime.call('malloc', 13);
    const right = runtime.call('malloc', 16);
    expect(right).toBe(left + 32);
    const { FAULT_OVERFLOW, FAULT_USE_AFTER_FREE, FAULT_WILD_ACCESS, FAULT_NULL_ACCESS } = layout;
    const overflow = (address: number, size: number) => access(runtime, address, size);
    expect(overflow(left + 13, 1)).toMatchObject({
      kind: FAULT_OVERFLOW,
      bad: left + 13,
      block: left,
      blockSize: 13,
    });
    expect(overflow(left + 10, 4)).toMatchObject({
      kind: FAULT_OVERFLOW,
      bad: left + 13,
      accessSize: 4,
      block: left,
    });
    expect(overflow(left + 20, 4)).toMatchObject({ kind: FAULT_OVERFLOW, bad: left + 20, block: left });
    expect(overflow(right - 1, 1)).toMatchObject({ kind: FAULT_OVERFLOW, bad: right - 1, block: right });
    expect(overflow(right - 4, 8)).toMatchObject({ kind: FAULT_OVERFLOW, bad: right - 4, block: right });
    expect(overflow(right + 8, 16)).toMatchObject({ kind: FAULT_OVERFLOW, bad: right + 16, block: right });
    expect(overflow(left - 2, 2)).toMatchObject({
      kind: FAULT_OVERFLOW,
      bad: left - 2,
      block: left,
      blockSize: 13,
    });
    const large = runtime.call('malloc', 30_000);
    expect(overflow(large - 8, 8)).toMatchObject({ kind: FAULT_OVERFLOW, block: large, blockSize: 30_000 });
    expect(overflow(large + 30_000, 1)).toMatchObject({ kind: FAULT_OVERFLOW, block: large });
    const empty = runtime.call('malloc', 0);
    expect(overflow(empty, 1)).toMatchObject({
      kind: FAULT_OVERFLOW,
      bad: empty,
      block: empty,
      blockSize: 0,
    });
    runtime.call('free', left);
    expect(access(runtime, left + 4, 4, 1)).toMatchObject({
      ...{ kind: FAULT_USE_AFTER_FREE, bad: left + 4, block: left, blockSize: 13, accessWrites: 1 },
    });
    // Beside a freed block, the block in use is meant.
    expect(overflow(right - 12, 1)).toMatchObject({ kind: FAULT_OVERFLOW, block: right });
    expect(access(runtime, 16, 4)).toMatchObject({
      kind: FAULT_NULL_ACCESS,
      bad: 16,
      block: 0,
      allocContext: 0,
    });
    const heapEnd = shadow + SHADOW_BYTES + runtime.runtime(layout.RUNTIME_HEAP_BYTES);
    expect(access(runtime, heapEnd - 64, 4)).toMatchObject({ kind: FAULT_WILD_ACCESS, block: 0 });
    // What lies outside of the memory traps by itself.
    expect(access(runtime, runtime.memory.buffer.byteLength + 64, 4)).toBeNull();
    expect(access(runtime, 0xfffffff8, 8)).toBeNull();
    runtime.check();
  });

  it('reports one fault of a kind at each place', async () => {
    const { runtime } = await open();
    const block = runtime.call('malloc', 8);
    for (let round = 0; round < 5; round++) runtime.call('heapline_access', block + 8, 2, 0x50);
    expect(runtime.faults).toHaveLength(1);
    runtime.call('free', block);
    for (let round = 0; round < 5; round++) runtime.call('heapline_access', block, 2, 0x50);
    for (let round = 0; round < 5; round++) runtime.call('heapline_access', block, 2, 0x60);
    expect(runtime.faults.map(({ accessSite }) => accessSite)).toEqual([0x50, 0x50, 0x60]);
    for (let place = 0x1000; place < 0x3000; place++) runtime.call('heapline_access', block, 2, place);
    expect(runtime.faults.length).toBeGreaterThan(500);
    expect(runtime.faults.length).toBeLessThan(0x1000);
    runtime.check();
  });

  it('judges ranges and strings', async () => {
    const { runtime } = await open();
    const block = runtime.call('malloc', 5000);
    runtime.call('heapline_access_range', block, 5000, 1, 1);
    runtime.call('heapline_access_range', block + 4990, 0, 1, 1);
    expect(runtime.faults).toEqual([]);
    runtime.call('heapline_access_range', block, 5001, 1, 1);
    expect(runtime.faults[0]).toMatchObject({ bad: block + 5000, accessSize: 5001, accessWrites: 1 });
    runtime.call('heapline_access_range', block, 0xffffffff, 0, 2);
    expect(runtime.faults[1]).toMatchObject({ bad: block + 5000, accessWrites: 0 });
    const text = runtime.call('malloc', 4);
    runtime.bytes(text, 4).set([97, 98, 99, 0]);
    expect(runtime.call('heapline_access_string', text, 100, 3)).toBe(4);
    expect(runtime.call('heapline_access_string', text, 2, 3)).toBe(2);
    expect(runtime.faults).toHaveLength(2);
    runtime.bytes(text, 6).set([97, 98, 99, 100, 101, 0]);
    expect(runtime.call('heapline_access_string', text, 100, 4)).toBe(6);
    expect(runtime.faults[2]).toMatchObject({ bad: text + 4, block: text });
  });

  it('uses the memory of freed blocks before memory that nobody has touched', async () => {
    const { runtime } = await open(0);
    const allocate = (count: number, size: number): number[] =>
      Array.from({ length: count }, () => runtime.call('malloc', size));
    const first = allocate(5000, 100);
    for (const block of first) runtime.call('free', block);
    const second = allocate(2000, 180);
    expect(Math.max(...second)).toBeLessThan(Math.max(...first));
    runtime.check();
  });

  it('needs its memory before the first allocation, and as much as it says', async () => {
    const late = await Runtime.open(flavour);
    late.call('malloc', 1);
    expect(late.call('heapline_set_checks', 0, 2 ** 20, SHADOW_BYTES)).toBe(0);
    const small = await Runtime.open(flavour, { maximum: 16 });
    expect(small.call('heapline_set_checks', 0, 2 ** 20, SHADOW_BYTES)).toBe(0);
    small.call('malloc', 1);
    small.check();
  });
});
