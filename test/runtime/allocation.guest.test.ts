// What C17 7.22.3, POSIX and the libcs' own allocators promise, one promise per test, for both flavours.

import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

/** errno values of wasi-libc. Emscripten has the same numbers. */
const ENOMEM = 48;
const EINVAL = 28;
/** Allocates blocks of one size until there is no memory left. */
function fillWith(runtime: Runtime, size: number): number[] {
  const blocks: number[] = [];
  for (;;) {
    const block = runtime.call('malloc', size);
    if (!block) return blocks;
    blocks.push(block);
  }
}

const sizes = [
  0, 1, 7, 15, 16, 17, 100, 255, 256, 257, 1000, 4096, 8191, 8192, 8193, 12_288, 65_536, 1_000_001,
];

describe.each(flavours)('the allocator of the %s runtime', (flavour) => {
  it('aligns every block to 16 bytes', async () => {
    const runtime = await Runtime.open(flavour);
    for (const size of sizes) {
      for (const address of [runtime.call('malloc', size), runtime.call('calloc', size, 1)]) {
        expect(address).not.toBe(0);
        expect(address % 16).toBe(0);
      }
    }
    runtime.check();
  });

  it('aligns to any power of two on request, from 1 byte to 1 MB', async () => {
    const runtime = await Runtime.open(flavour);
    for (let alignment = 1; alignment <= 2 ** 20; alignment *= 2) {
      for (const size of [0, 1, 40, alignment, 3 * alignment, 5000]) {
        const addresses = [
          runtime.call('aligned_alloc', alignment, size),
          runtime.call('memalign', alignment, size),
        ];
        for (const address of addresses) {
          expect(address).not.toBe(0);
          expect(address % Math.max(alignment, 16)).toBe(0);
          expect(runtime.call('malloc_usable_size', address)).toBe(size);
        }
        runtime.check();
        for (const address of addresses) runtime.call('free', address);
      }
    }
    expect(runtime.blocks().size).toBe(0);
    expect(runtime.faults).toEqual([]);
  });

  it('rounds an odd alignment up in memalign and rejects it in aligned_alloc', async () => {
    const runtime = await Runtime.open(flavour);
    expect(runtime.call('memalign', 48, 10) % 64).toBe(0);
    expect(runtime.call('memalign', 0, 10) % 16).toBe(0);
    expect(runtime.call('aligned_alloc', 48, 10)).toBe(0);
    expect(runtime.errno).toBe(EINVAL);
    expect(runtime.call('valloc', 10) % 4096).toBe(0);
  });

  it('gives distinct pointers for malloc(0), which can be freed', async () => {
    const runtime = await Runtime.open(flavour);
    const pointers = Array.from({ length: 100 }, () => runtime.call('malloc', 0));
    expect(new Set(pointers).size).toBe(100);
    for (const pointer of pointers) runtime.call('free', pointer);
    expect(runtime.faults).toEqual([]);
    runtime.check();
  });

  it('ignores free(NULL)', async () => {
    const runtime = await Runtime.open(flavour);
    runtime.call('free', 0);
    runtime.call('malloc', 1);
    runtime.call('free', 0);
    expect(runtime.faults).toEqual([]);
  });

  it('answers products that overflow with NULL and ENOMEM', async () => {
    const runtime = await Runtime.open(flavour);
    for (const [count, each] of [
      [0x10000, 0x10000],
      [0xffffffff, 2],
      [3, 0x55555556],
    ] as const) {
      expect(runtime.call('calloc', count, each)).toBe(0);
      expect(runtime.errno).toBe(ENOMEM);
      const block = runtime.call('malloc', 10);
      expect(runtime.call('reallocarray', block, count, each)).toBe(0);
      expect(runtime.call('malloc_usable_size', block)).toBe(10);
    }
    expect(runtime.runtime(layout.RUNTIME_FAILED)).toBe(6);
  });

  it('answers sizes beyond PTRDIFF_MAX with NULL and ENOMEM, in every function', async () => {
    const runtime = await Runtime.open(flavour, { maximum: 65_536 });
    for (const size of [0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 0xffffffff - 65_536]) {
      expect(runtime.call('malloc', size)).toBe(0);
      expect(runtime.call('calloc', 1, size)).toBe(0);
      expect(runtime.call('aligned_alloc', 64, size)).toBe(0);
      expect(runtime.call('memalign', 0x40000000, size)).toBe(0);
      const block = runtime.call('malloc', 10);
      expect(runtime.call('realloc', block, size)).toBe(0);
    }
    expect(runtime.errno).toBe(ENOMEM);
    expect(runtime.liveObjects).toBe(5);
    runtime.check();
  });

  it('returns the error of posix_memalign, and leaves the pointer alone', async () => {
    const runtime = await Runtime.open(flavour, { maximum: 32 });
    const cell = runtime.call('malloc', 4);
    runtime.setU32(cell, 77);
    expect(runtime.call('posix_memalign', cell, 3, 10)).toBe(EINVAL);
    expect(runtime.call('posix_memalign', cell, 2, 10)).toBe(EINVAL);
    expect(runtime.call('posix_memalign', cell, 16, 64 * 65_536)).toBe(ENOMEM);
    expect(runtime.u32(cell)).toBe(77);
    expect(runtime.call('posix_memalign', cell, 32, 10)).toBe(0);
    expect(runtime.u32(cell) % 32).toBe(0);
  });

  it('zeroes the blocks of calloc, new or used', async () => {
    const runtime = await Runtime.open(flavour);
    for (const size of sizes) {
      for (let round = 0; round < 4; round++) {
        const block = runtime.call('calloc', 1, size);
        expect(runtime.bytes(block, size).every((byte) => byte === 0)).toBe(true);
        runtime.bytes(block, size).fill(0xaa);
        if (round % 2) runtime.call('free', block);
      }
    }
    runtime.check();
  });

  it('keeps the contents through every realloc, growing and shrinking', async () => {
    const runtime = await Runtime.open(flavour);
    const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + 7) & 255);
    for (const from of sizes) {
      for (const to of sizes) {
        const block = runtime.call('malloc', from);
        runtime.bytes(block, from).set(pattern(from));
        const moved = runtime.call('realloc', block, to);
        const kept = Math.min(from, to);
        expect(Buffer.compare(runtime.bytes(moved, kept), pattern(kept))).toBe(0);
        expect(runtime.call('malloc_usable_size', moved)).toBe(to);
        runtime.call('free', moved);
      }
    }
    runtime.check();
    expect(runtime.faults).toEqual([]);
  });

  it('allocates in realloc(NULL, n), and leaves a block of 0 bytes in realloc(p, 0)', async () => {
    const runtime = await Runtime.open(flavour);
    const block = runtime.call('realloc', 0, 40);
    expect(runtime.call('malloc_usable_size', block)).toBe(40);
    const empty = runtime.call('realloc', block, 0);
    expect(empty).not.toBe(0);
    expect(runtime.liveObjects).toBe(1);
    expect(runtime.liveBytes).toBe(0);
    runtime.call('free', empty);
    expect(runtime.faults).toEqual([]);
  });

  it('grows a large block in place while the pages behind it are free', async () => {
    const runtime = await Runtime.open(flavour);
    const block = runtime.call('malloc', 100_000);
    let now = block;
    for (let size = 110_000; size < 2_000_000; size += 50_000) now = runtime.call('realloc', now, size);
    expect(now).toBe(block);
    runtime.check();
  });

  it('reuses freed memory: a steady program does not grow', async () => {
    const runtime = await Runtime.open(flavour);
    const turn = (): void => {
      const blocks = Array.from({ length: 2000 }, (_, i) => runtime.call('malloc', (i * 37) % 20_000));
      for (const block of blocks) runtime.call('free', block);
    };
    turn();
    turn();
    const after = runtime.memory.buffer.byteLength;
    for (let i = 0; i < 10; i++) turn();
    expect(runtime.memory.buffer.byteLength).toBe(after);
    runtime.check();
  });

  it('gives memory of one size class to others when it is needed', async () => {
    const runtime = await Runtime.open(flavour, { maximum: 64 });
    const fill = (size: number): number => {
      const blocks = fillWith(runtime, size);
      for (const block of blocks) runtime.call('free', block);
      runtime.check();
      return blocks.length * size;
    };
    const first = fill(48);
    for (const size of [3000, 200, 100_000, 16, 8000, 1_000_000, 48])
      expect(fill(size)).toBeGreaterThan(1_500_000);
    expect(fill(48)).toBeGreaterThan(first * 0.98);
  });

  it('answers exhaustion with NULL and ENOMEM, loses nothing, and recovers', async () => {
    const runtime = await Runtime.open(flavour, { maximum: 48 });
    const blocks: number[] = [];
    let random = 12345;
    const next = (below: number): number => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      return (random >>> 8) % below;
    };
    for (let failures = 0; failures < 50; ) {
      const block = runtime.call('malloc', next(3000));
      if (block) blocks.push(block);
      else failures++;
    }
    expect(runtime.errno).toBe(ENOMEM);
    expect(runtime.runtime(layout.RUNTIME_FAILED)).toBe(50);
    runtime.check();
    expect(runtime.liveObjects).toBe(blocks.length);
    const held = runtime.liveBytes;
    // A realloc that fails leaves its block as it was.
    const victim = blocks[10]!;
    const size = runtime.call('malloc_usable_size', victim);
    runtime.bytes(victim, size).fill(0x5c);
    expect(runtime.call('realloc', victim, 2_000_000)).toBe(0);
    expect(runtime.call('malloc_usable_size', victim)).toBe(size);
    expect(runtime.bytes(victim, size).every((byte) => byte === 0x5c)).toBe(true);
    runtime.check();
    for (const block of blocks) runtime.call('free', block);
    runtime.check();
    expect(runtime.liveObjects).toBe(0);
    expect(fillWith(runtime, 100_000).length * 100_000).toBeGreaterThan(held * 0.95);
    expect(runtime.faults).toEqual([]);
  });

  it('survives exhaustion by new contexts: allocations go to the nearest ancestor', async () => {
    const runtime = await Runtime.open(flavour, { maximum: 40 });
    let site = 1;
    while (runtime.call('malloc', 500)) {
      runtime.enterCall(1, site++);
    }
    for (let i = 0; i < 2000; i++) {
      runtime.enterCall(1, site++);
      runtime.call('free', runtime.call('malloc', 16));
    }
    runtime.check();
    expect(runtime.faults).toEqual([]);
  });

  it('works around memory that somebody else takes from the system', async () => {
    const runtime = await Runtime.open(flavour, { initial: 4 });
    const others: [start: number, end: number][] = [];
    const blocks: number[] = [];
    for (let i = 0; i < 40; i++) {
      blocks.push(runtime.call('malloc', 70_000 + i * 1000), runtime.call('malloc', 50));
      const start = runtime.memory.grow(1) * 65_536;
      if (flavour === 'wasi') others.push([start, start + 65_536]);
    }
    for (const block of blocks) {
      const end = block + runtime.call('malloc_usable_size', block);
      for (const [start, stop] of others) expect(end <= start || block >= stop).toBe(true);
    }
    runtime.check();
    for (const block of blocks) runtime.call('free', block);
    runtime.check();
  });

  it('allocates up to the end of a memory of 4 GB', async () => {
    const runtime = await Runtime.open(flavour, { initial: 65_472, maximum: 65_536 });
    const blocks: number[] = [];
    blocks.push(...fillWith(runtime, 500_000_000));
    expect(blocks.length).toBeGreaterThanOrEqual(7);
    blocks.push(...fillWith(runtime, 1_000_000));
    expect(Math.max(...blocks)).toBeGreaterThan(4_200_000_000);
    for (const block of blocks) runtime.call('free', block);
    expect(runtime.faults).toEqual([]);
    expect(runtime.liveObjects).toBe(0);
  });

  it('keeps metadata away from the blocks: 32 bytes written beyond either end break no invariant', async () => {
    const runtime = await Runtime.open(flavour);
    for (let i = 0; i < 3000; i++) {
      const size = (i * 13) % 9000;
      const block = runtime.call('malloc', size);
      if (block + size + 32 > runtime.memory.buffer.byteLength) continue;
      runtime.bytes(block + size, 32).fill(0xff);
      runtime.bytes(block - 32, 32).fill(0xff);
    }
    runtime.check();
  });

  it('serves the libc-internal names', async () => {
    const runtime = await Runtime.open(flavour);
    const block = runtime.call('__libc_malloc', 10);
    expect(runtime.liveObjects).toBe(1);
    runtime.call('__libc_free', block);
    expect(runtime.liveObjects).toBe(0);
  });

  it('needs little memory for a small program', async () => {
    const runtime = await Runtime.open(flavour, { initial: 4 });
    for (let i = 0; i < 20; i++) runtime.call('malloc', 10 + i * 5);
    expect(runtime.runtime(layout.RUNTIME_HEAP_BYTES)).toBeLessThanOrEqual(131_072);
  });
});
