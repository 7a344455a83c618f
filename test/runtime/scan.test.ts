// The leak scan against a model that says the same in the plainest words: sets, recursion by work lists, no limits.
// The rules are those of memcheck's mc_leakcheck.c; that they agree with Valgrind itself is tested elsewhere.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../src/heap/layout.ts';
import { flavours, Runtime } from './runtime-module.ts';

const names = {
  [layout.BLOCK_CLASS_DEFINITE]: 'definite',
  [layout.BLOCK_CLASS_INDIRECT]: 'indirect',
  [layout.BLOCK_CLASS_POSSIBLE]: 'possible',
  [layout.BLOCK_CLASS_REACHABLE]: 'reachable',
} as const;
type Kind = (typeof names)[keyof typeof names];

/** The classes that the runtime left in the blocks' metadata. */
function classes(runtime: Runtime): Map<number, Kind> {
  const result = new Map<number, Kind>();
  for (const [address, { metadata }] of runtime.blocks()) {
    const word = runtime.u32(metadata + layout.BLOCK_OWNER);
    const kind = (word & layout.BLOCK_CLASS_MASK) >>> layout.BLOCK_CLASS_SHIFT;
    result.set(address, names[kind as keyof typeof names]);
  }
  return result;
}

function scan(runtime: Runtime, roots: { ranges?: [number, number][]; words?: number[] }): Map<number, Kind> {
  runtime.call('heapline_scan_start');
  for (const [start, end] of roots.ranges ?? []) runtime.call('heapline_scan_range', start, end);
  for (const word of roots.words ?? []) runtime.call('heapline_scan_word', word);
  runtime.call('heapline_scan_finish');
  runtime.check();
  return classes(runtime);
}

/** Blocks as the model sees them: address, size, the words inside. */
interface Chunk {
  readonly start: number;
  readonly size: number;
  readonly words: readonly number[];
}

function modelScan(chunks: readonly Chunk[], roots: readonly number[]): Map<number, Kind> {
  const sorted = [...chunks].sort((a, b) => a.start - b.start);
  const find = (value: number): Chunk | undefined =>
    sorted.find(({ start, size }) => value >= start && value < start + Math.max(size, 1));
  // Strict reachability by start pointers, then what else is reached in any way.
  const isStart = (chunk: Chunk, value: number): boolean => {
    const offset = value - chunk.start;
    if (offset === 0) return true;
    if (offset === 8) return chunk.words[0] === chunk.size - 8 && chunk.words[1] === 0;
    const count = chunk.words[0] ?? 0;
    return offset === 4 && count > 0 && (chunk.size - 4) % count === 0;
  };
  const follow = (from: readonly number[], accept: (chunk: Chunk, value: number) => boolean): Set<Chunk> => {
    const found = new Set<Chunk>();
    const work = [...from];
    for (let value = work.pop(); value !== undefined; value = work.pop()) {
      const chunk = find(value);
      if (!chunk || found.has(chunk) || !accept(chunk, value)) continue;
      found.add(chunk);
      work.push(...chunk.words);
    }
    return found;
  };
  const reachable = follow(roots, isStart);
  const reached = follow(roots, () => true);
  const rest = sorted.filter((chunk) => !reached.has(chunk));
  const kinds = new Map<number, Kind>();
  for (const chunk of reached) kinds.set(chunk.start, reachable.has(chunk) ? 'reachable' : 'possible');
  // Leaders in order of address: a later leader takes what an earlier one led, the earlier one included.
  for (const leader of rest) {
    if (kinds.has(leader.start)) continue;
    kinds.set(leader.start, 'definite');
    const clique = follow(
      leader.words,
      (chunk) => chunk !== leader && !reached.has(chunk) && kinds.get(chunk.start) !== 'indirect',
    );
    for (const chunk of clique) kinds.set(chunk.start, 'indirect');
  }
  return kinds;
}

/** A cell of static memory that nothing else uses: the errno of the shim would do, but a range is wanted. */
const rootCells = (runtime: Runtime, words: readonly number[]): [number, number] => {
  const cells = runtime.call('root_cells');
  for (const [i, word] of words.entries()) runtime.setU32(cells + 4 * i, word);
  return [cells, cells + 4 * words.length];
};

const shape = fc.record({
  sizes: fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 64 }),
      fc.integer({ min: 0, max: 700 }),
      fc.constantFrom(9000, 40_000),
    ),
    { minLength: 1, maxLength: 60 },
  ),
  freed: fc.array(fc.nat(), { maxLength: 10 }),
  // From block, at word, to block, at offset (mostly its start).
  links: fc.array(
    fc.tuple(
      fc.nat(),
      fc.nat(),
      fc.nat(),
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -4, max: 800 }) },
      ),
    ),
    { maxLength: 150 },
  ),
  roots: fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 0, 0, 4, 8, 12, 1, 40)), { maxLength: 8 }),
  noise: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 70 })), { maxLength: 20 }),
});

describe.each(flavours)('the leak scan of the %s runtime', (flavour) => {
  it('equals the model on random heaps', async () => {
    const runtime = await Runtime.open(flavour);
    fc.assert(
      fc.property(shape, ({ sizes, freed, links, roots, noise }) => {
        let blocks = sizes.map((size) => ({ start: runtime.call('calloc', 1, size), size }));
        const at = (index: number) => blocks[index % blocks.length]!;
        const put = (block: { start: number; size: number }, word: number, value: number): void => {
          const words = block.size >>> 2;
          if (words > 0) runtime.setU32(block.start + 4 * (word % words), value);
        };
        for (const [from, word, value] of noise) put(at(from), word % 2, value);
        for (const [from, word, to, offset] of links) put(at(from), word % 24, (at(to).start + offset) >>> 0);
        const rootWords = roots.map(([to, offset]) => (at(to).start + offset) >>> 0);
        for (const index of new Set(freed.map((index) => index % blocks.length))) {
          runtime.call('free', blocks[index]!.start);
          blocks[index] = { start: 0, size: -1 };
        }
        blocks = blocks.filter(({ size }) => size >= 0);
        const chunks = blocks.map(({ start, size }) => ({
          start,
          size,
          words: Array.from({ length: size >>> 2 }, (_, i) => runtime.u32(start + 4 * i)),
        }));
        const half = rootWords.length >> 1;
        const found = scan(runtime, {
          ranges: [rootCells(runtime, rootWords.slice(0, half))],
          words: rootWords.slice(half),
        });
        const sort = (kinds: Map<number, Kind>) => [...kinds].sort(([a], [b]) => a - b);
        expect(sort(found)).toEqual(sort(modelScan(chunks, rootWords)));
        for (const { start } of blocks) runtime.call('free', start);
      }),
      { numRuns: 150 },
    );
  });

  it('finds nothing lost while roots hold everything, and everything lost without roots', async () => {
    const runtime = await Runtime.open(flavour);
    const blocks = Array.from({ length: 50 }, (_, i) => runtime.call('calloc', 1, i * 10));
    expect([...scan(runtime, { words: blocks }).values()].every((kind) => kind === 'reachable')).toBe(true);
    expect([...scan(runtime, {}).values()].every((kind) => kind === 'definite')).toBe(true);
  });

  it('takes no root from the runtime itself, whose own data names every block', async () => {
    const runtime = await Runtime.open(flavour);
    for (let i = 0; i < 300; i++) runtime.call('calloc', 1, i * 30);
    runtime.call('free', runtime.call('malloc', 8));
    runtime.call('free', 16);
    const first = Math.min(...runtime.blocks().keys());
    const kinds = scan(runtime, { ranges: [[0, first & ~65_535]] });
    expect(new Set(kinds.values())).toEqual(new Set(['definite']));
  });

  it('takes no root from freed blocks, although they keep their bytes', async () => {
    const runtime = await Runtime.open(flavour);
    const holder = runtime.call('calloc', 1, 64);
    const held = runtime.call('calloc', 1, 64);
    runtime.setU32(holder, held);
    expect(scan(runtime, { words: [holder] }).get(held)).toBe('reachable');
    runtime.call('free', holder);
    expect(scan(runtime, { words: [holder] })).toEqual(new Map([[held, 'definite']]));
  });

  it('follows a list of 300,000 and a block of 300,000 pointers within its bounded stack', async () => {
    const runtime = await Runtime.open(flavour);
    const count = 300_000;
    const blocks = Array.from({ length: count }, () => runtime.call('malloc', 16));
    const words = new Uint32Array(runtime.memory.buffer);
    for (const block of blocks) words.fill(0, block >>> 2, (block >>> 2) + 4);
    for (let i = 1; i < count; i++) words[blocks[i - 1]! >>> 2] = blocks[i]!;
    let kinds = scan(runtime, { words: [blocks[0]!] });
    expect([...kinds.values()].every((kind) => kind === 'reachable')).toBe(true);
    kinds = scan(runtime, {});
    expect([...kinds.values()].filter((kind) => kind === 'definite')).toHaveLength(1);
    for (const block of blocks) words[block >>> 2] = 0;
    const wide = runtime.call('malloc', count * 4);
    const later = new Uint32Array(runtime.memory.buffer);
    for (const [i, block] of blocks.entries()) later[(wide >>> 2) + i] = block;
    kinds = scan(runtime, { words: [wide] });
    expect([...kinds.values()].every((kind) => kind === 'reachable')).toBe(true);
    kinds = scan(runtime, {});
    expect([...kinds.values()].filter((kind) => kind === 'indirect')).toHaveLength(count);
    expect(kinds.get(wide)).toBe('definite');
  });

  it('works with next to no stack, deep in a recursion', async () => {
    const runtime = await Runtime.open(flavour);
    const blocks = Array.from({ length: 2000 }, () => runtime.call('calloc', 1, 40));
    for (let i = 0; i < 1000; i++) {
      runtime.setU32(blocks[i]! + 4, blocks[(i * 2 + 1) % 2000]!);
      runtime.setU32(blocks[i]! + 8, blocks[(i * 2 + 2) % 2000]!);
    }
    for (let depth = 1; depth < layout.SHADOW_SLOTS; depth++) runtime.enterCall(depth, 5);
    const kinds = scan(runtime, { words: [blocks[0]!] });
    expect([...kinds.values()].every((kind) => kind === 'reachable')).toBe(true);
    const lost = scan(runtime, {});
    expect([...lost.values()].filter((kind) => kind === 'definite')).toHaveLength(1);
  });

  it('works when memory is exhausted, and allocates nothing', async () => {
    const runtime = await Runtime.open(flavour, { maximum: 32 });
    const blocks: number[] = [];
    for (let block = runtime.call('malloc', 100); block; block = runtime.call('malloc', 100))
      blocks.push(block);
    for (const [i, block] of blocks.entries()) runtime.setU32(block, blocks[i + 1] ?? 0);
    const before = runtime.memory.buffer.byteLength;
    const kinds = scan(runtime, { words: [blocks[0]!] });
    expect(kinds.size).toBe(blocks.length);
    expect(runtime.memory.buffer.byteLength).toBe(before);
  });

  it('leaves the heap as it was: contents, ledger, and what comes after', async () => {
    const runtime = await Runtime.open(flavour);
    const blocks = Array.from({ length: 500 }, (_, i) => runtime.call('malloc', (i * 7) % 900));
    const bytes = blocks.map((block, i) => runtime.bytes(block, (i * 7) % 900).slice());
    const [objects, held] = [runtime.liveObjects, runtime.liveBytes];
    scan(runtime, { words: blocks.slice(0, 100) });
    for (const [i, block] of blocks.entries()) expect(runtime.bytes(block, (i * 7) % 900)).toEqual(bytes[i]);
    expect([runtime.liveObjects, runtime.liveBytes]).toEqual([objects, held]);
    for (const block of blocks) runtime.call('free', runtime.call('realloc', block, 1000));
    runtime.check();
    expect(runtime.faults).toEqual([]);
    expect(runtime.liveObjects).toBe(0);
  });

  it('answers before the first allocation', async () => {
    const runtime = await Runtime.open(flavour);
    expect(scan(runtime, { ranges: [[0, 65_536]], words: [0, 1, 0xffffffff] }).size).toBe(0);
  });

  it('scans a heap of a million blocks, linked as they were allocated, at 500 MB a second or more', async () => {
    const runtime = await Runtime.open(flavour);
    const count = 1_000_000;
    const blocks = Uint32Array.from({ length: count }, () => runtime.call('malloc', 64));
    const words = new Uint32Array(runtime.memory.buffer);
    for (let i = 0; i < count; i++) {
      const at = blocks[i]! >>> 2;
      words.fill(i, at, at + 16);
      words[at + 3] = blocks[i + 1] ?? 0;
      words[at + 5] = blocks[Math.max(0, i - 7)]!;
    }
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const start = process.cpuUsage();
      runtime.call('heapline_scan_start');
      runtime.call('heapline_scan_word', blocks[0]!);
      runtime.call('heapline_scan_finish');
      const { user, system } = process.cpuUsage(start);
      best = Math.min(best, (user + system) / 1e6);
    }
    expect((count * 64) / 1e6 / best).toBeGreaterThan(500);
  });
});
