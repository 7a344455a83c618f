// The leak scan against a model that is as simple as possible: sets, recursion by work lists, no limits. The rules are those
// of memcheck's mc_leakcheck.c; test/leaks compares them with Valgrind itself.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { FULL } from '../support/full.ts';
import { type Flavour, flavours, Runtime } from '../support/runtime-module.ts';

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

/** The ways of marking (csrc/scan.c), as arguments of heapline_test_scan_limits. */
const ways = {
  'in the metadata of blocks': [0xffffffff, 0, 0],
  'by a graph': [0, 0xffffffff, 0xffffffff],
  'by a graph with lists in many pieces': [0, 4352, 0xffffffff],
  'by a graph with room for some lists': [0, 640, 2000],
  'by a graph without room for lists': [0, 0, 0],
} as const;

async function open(flavour: Flavour, way: keyof typeof ways): Promise<Runtime> {
  const runtime = await Runtime.open(flavour);
  runtime.call('heapline_test_scan_limits', ...ways[way]);
  return runtime;
}

/** Blocks as the model sees them: address, size, the words inside. */
interface Chunk {
  readonly start: number;
  readonly size: number;
  readonly words: readonly number[];
}

/** The words before the place that a pointer to a table of virtual functions names. */
interface VirtualTable {
  readonly offsetToTop: number;
  readonly type: number;
}

function modelScan(
  chunks: readonly Chunk[],
  roots: readonly number[],
  tables: ReadonlyMap<number, VirtualTable> = new Map(),
): Map<number, Kind> {
  const sorted = [...chunks].sort((a, b) => a.start - b.start);
  const find = (value: number): Chunk | undefined => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.start <= value) low = middle + 1;
      else high = middle;
    }
    const chunk = sorted[low - 1];
    return chunk && value < chunk.start + Math.max(chunk.size, 1) ? chunk : undefined;
  };
  // First the blocks that are reached by pointers to their starts alone, then those that are reached in any way.
  const isStart = ({ start, size, words }: Chunk, value: number): boolean => {
    const offset = value - start;
    if (offset === 0) return true;
    const rest = size - offset;
    if (offset % 4 !== 0 || rest < 4) return false;
    const own = tables.get(words[0]!);
    const base = tables.get(words[offset / 4]!);
    if (own && base && own.offsetToTop === 0 && base.offsetToTop === -offset && own.type === base.type)
      return true;
    if (offset === 4) return words[0]! > 0 && rest % words[0]! === 0;
    if (offset === 8) {
      const isCount = words[1]! > 0 && rest % words[1]! === 0 && (rest / words[1]!) % 8 === 0;
      return (words[0] === rest && words[1] === 0) || isCount;
    }
    return offset === 12 && words[1]! + 1 === rest && words[0]! <= words[1]!;
  };
  const follow = (from: readonly number[], accept: (chunk: Chunk, value: number) => boolean): Set<Chunk> => {
    const found = new Set<Chunk>();
    const work = [...from];
    for (let value = work.pop(); value !== undefined; value = work.pop()) {
      const chunk = find(value);
      if (!chunk || found.has(chunk) || !accept(chunk, value)) continue;
      found.add(chunk);
      for (const word of chunk.words) work.push(word);
    }
    return found;
  };
  const reachable = follow(roots, isStart);
  const reached = follow(roots, () => true);
  const rest = sorted.filter((chunk) => !reached.has(chunk));
  const kinds = new Map<number, Kind>();
  for (const chunk of reached) kinds.set(chunk.start, reachable.has(chunk) ? 'reachable' : 'possible');
  // Leaders in order of address: a later leader takes the blocks that an earlier one led, and the earlier one itself.
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

const readChunk = (runtime: Runtime, { start, size }: { start: number; size: number }): Chunk => ({
  start,
  size,
  words: [...new Uint32Array(runtime.memory.buffer, start, size >>> 2)],
});

const inOrder = (kinds: Map<number, Kind>) => [...kinds].sort(([a], [b]) => a - b);

/** Words of static memory that nothing else uses. */
const ROOT_CELLS = 16;
const rootCells = (runtime: Runtime, words: readonly number[]): [number, number] => {
  const cells = runtime.call('root_cells');
  for (const [i, word] of words.entries()) runtime.setU32(cells + 4 * i, word);
  return [cells, cells + 4 * words.length];
};

/** Tables of virtual functions, of four words each, in the cells behind: of an object and of its base classes. */
const TABLES: readonly VirtualTable[] = [
  { offsetToTop: 0, type: 1 },
  { offsetToTop: -16, type: 1 },
  { offsetToTop: -40, type: 1 },
  { offsetToTop: -4, type: 1 },
  { offsetToTop: 0, type: 2 },
  { offsetToTop: -16, type: 2 },
];
function virtualTables(runtime: Runtime): Map<number, VirtualTable> {
  const tables = new Map<number, VirtualTable>();
  for (const [i, table] of TABLES.entries()) {
    const at = runtime.call('root_cells') + 4 * (ROOT_CELLS + 4 * i);
    runtime.setU32(at, table.offsetToTop);
    runtime.setU32(at + 4, table.type);
    tables.set(at + 8, table);
  }
  return tables;
}

/** The first bytes of a block with which a pointer some bytes behind counts as one to the start, or just does not. */
const headers: Readonly<
  Record<string, { behind: number; words: (size: number, by: number) => readonly number[] }>
> = {
  length: { behind: 8, words: (size, by) => [size - 8 + by, 0] },
  count: { behind: 4, words: (size, by) => [(size - 4) / 4 + by] },
  'count of one': { behind: 8, words: (_, by) => [0, 1 + by] },
  string: { behind: 12, words: (size, by) => [size - 14 + by, size - 13] },
  capacity: { behind: 12, words: (size, by) => [3, size - 13 + by] },
};

/** Marsaglia's xorshift, so that every run is the same. */
function generator(): (below: number) => number {
  let state = 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function shuffled(values: readonly number[], random: (below: number) => number): number[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const other = random(i + 1);
    [result[i], result[other]] = [result[other]!, result[i]!];
  }
  return result;
}

/** The first words of the blocks of a large heap, given the block's index and all addresses in random order. */
const largeShapes: Readonly<
  Record<
    string,
    (i: number, order: readonly number[], random: (below: number) => number) => (number | undefined)[]
  >
> = {
  'a list': (i, order) => [order[i + 1]],
  'a list linked both ways': (i, order) => [order[i - 1], order[i + 1]],
  'a list whose link is the fourth pointer': (i, order) => [
    order[i - 1],
    order[0],
    order[i >> 1],
    order[i + 1],
  ],
  'a list with links into the middle': (i, order) => [order[i - 1], order[i + 1] && order[i + 1]! + 4],
  'a tree': (i, order) => [order[2 * i + 1], order[2 * i + 2], order[(i - 1) >> 1]],
  'many short lists': (i, order) => [i % 5 === 4 ? undefined : order[i + 1], order[i - 2]],
  'pointers to anywhere': (_, order, random) =>
    Array.from(
      { length: random(8) },
      () => order[random(order.length)]! + (random(9) === 0 ? 4 * random(8) : 0),
    ),
};

const offset = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(4, 8, 12, 16, 40) },
  { weight: 1, arbitrary: fc.integer({ min: -4, max: 800 }) },
);

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
  // From block, at word, to block, at offset.
  links: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), offset), { maxLength: 150 }),
  roots: fc.array(fc.tuple(fc.nat(), offset), { maxLength: 8 }),
  noise: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 70 })), { maxLength: 20 }),
  // Block, header, how wrong.
  headers: fc.array(
    fc.tuple(fc.nat(), fc.constantFrom(...Object.keys(headers)), fc.constantFrom(0, 0, 1, 2, -1)),
    { maxLength: 6 },
  ),
  // Block, word of the base class, table of the object, table of the base class.
  objects: fc.array(
    fc.tuple(
      fc.nat(),
      fc.constantFrom(1, 4, 10),
      fc.constantFrom(0, 0, 0, 1, 4),
      fc.nat({ max: TABLES.length - 1 }),
    ),
    { maxLength: 6 },
  ),
});

// The flavours differ in how they get memory. Every day, the second one marks in two ways.
const waysOf = (flavour: Flavour): (keyof typeof ways)[] => {
  const all = Object.keys(ways) as (keyof typeof ways)[];
  return FULL || flavour === 'wasi' ? all : all.slice(0, 2);
};

describe.each(flavours)('the leak scan of the %s runtime', (flavour) => {
  it.each(waysOf(flavour))('equals the model on random heaps, marking %s', async (way) => {
    const runtime = await open(flavour, way);
    const tables = virtualTables(runtime);
    const tableAddresses = [...tables.keys()];
    fc.assert(
      fc.property(shape, ({ sizes, freed, links, roots, noise, headers: begins, objects }) => {
        let blocks = sizes.map((size) => ({ start: runtime.call('calloc', 1, size), size }));
        const at = (index: number) => blocks[index % blocks.length]!;
        const put = (block: { start: number; size: number }, word: number, value: number): void => {
          const words = block.size >>> 2;
          if (words > 0) runtime.setU32(block.start + 4 * (word % words), value);
        };
        for (const [from, word, value] of noise) put(at(from), word % 2, value);
        for (const [from, word, to, offset] of links) put(at(from), word % 24, (at(to).start + offset) >>> 0);
        const rootWords = roots.map(([to, offset]) => (at(to).start + offset) >>> 0);
        for (const [index, name, by] of begins) {
          const block = at(index);
          const { behind, words } = headers[name]!;
          for (const [word, value] of words(block.size, by).entries()) put(block, word, value);
          rootWords.push(block.start + behind);
        }
        for (const [index, word, own, base] of objects) {
          put(at(index), 0, tableAddresses[own]!);
          put(at(index), word, tableAddresses[base]!);
          rootWords.push(at(index).start + 4 * word);
        }
        for (const index of new Set(freed.map((index) => index % blocks.length))) {
          runtime.call('free', blocks[index]!.start);
          blocks[index] = { start: 0, size: -1 };
        }
        blocks = blocks.filter(({ size }) => size >= 0);
        const chunks = blocks.map((block) => readChunk(runtime, block));
        const half = rootWords.length >> 1;
        const found = scan(runtime, {
          ranges: [rootCells(runtime, rootWords.slice(0, half))],
          words: rootWords.slice(half),
        });
        expect(inOrder(found)).toEqual(inOrder(modelScan(chunks, rootWords, tables)));
        for (const { start } of blocks) runtime.call('free', start);
      }),
      { numRuns: FULL ? 100 : 25 },
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
    // Memory above the lowest 64 KB, the C stack. Its dead part is no root either, but the runtime cannot know that.
    const kinds = scan(runtime, { ranges: [[65_536, first & ~65_535]] });
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

  it.each(waysOf(flavour).slice(FULL || flavour === 'wasi' ? 0 : 1, 2))(
    'follows a list of 300,000 and a block of 300,000 pointers in bounded memory, marking %s',
    async (way) => {
      const runtime = await open(flavour, way);
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
    },
  );

  it('works with almost no stack, deep in a recursion', async () => {
    const runtime = await open(flavour, 'in the metadata of blocks');
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
    runtime.call('heapline_test_scan_limits', ...ways['by a graph']);
    const blocks: number[] = [];
    for (let block = runtime.call('malloc', 100); block; block = runtime.call('malloc', 100))
      blocks.push(block);
    for (const [i, block] of blocks.entries()) runtime.setU32(block, blocks[i + 1] ?? 0);
    const before = runtime.memory.buffer.byteLength;
    const kinds = scan(runtime, { words: [blocks[0]!] });
    expect(kinds.size).toBe(blocks.length);
    expect(runtime.memory.buffer.byteLength).toBe(before);
  });

  it('leaves the heap as it was: contents, ledger, and later allocations', async () => {
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

  it('gives back the memory of a graph, and the next graph takes it again', async () => {
    const runtime = await open(flavour, 'by a graph');
    const blocks = Array.from({ length: 5000 }, () => runtime.call('calloc', 1, 64));
    for (const [i, block] of blocks.entries()) runtime.setU32(block, blocks[(i * 7) % 5000]!);
    const metadata = runtime.runtime(layout.RUNTIME_METADATA_BYTES);
    scan(runtime, { words: blocks.slice(0, 10) });
    expect(runtime.runtime(layout.RUNTIME_METADATA_BYTES)).toBe(metadata);
    const size = runtime.memory.buffer.byteLength;
    for (let round = 0; round < 5; round++) scan(runtime, { words: blocks.slice(0, 10) });
    expect(runtime.memory.buffer.byteLength).toBe(size);
  });

  it('lets a scan that was cut short be followed by a whole one', async () => {
    const runtime = await open(flavour, 'by a graph');
    const blocks = Array.from({ length: 100 }, () => runtime.call('calloc', 1, 64));
    scan(runtime, {});
    const metadata = runtime.runtime(layout.RUNTIME_METADATA_BYTES);
    runtime.call('heapline_scan_start');
    runtime.call('heapline_scan_word', blocks[3]!);
    expect(new Set(scan(runtime, {}).values())).toEqual(new Set(['definite']));
    expect(runtime.runtime(layout.RUNTIME_METADATA_BYTES)).toBe(metadata);
  });

  it('takes no memory for a graph that still knows about freed blocks', async () => {
    const runtime = await open(flavour, 'by a graph');
    for (let i = 0; i < 3000; i++) runtime.call('malloc', 48);
    const freed = Array.from({ length: 3000 }, () => runtime.call('malloc', 64));
    for (const block of freed) runtime.call('free', block);
    scan(runtime, {});
    for (const block of freed) runtime.call('free', block);
    expect(new Set(runtime.faults.map(({ kind }) => kind))).toEqual(new Set([layout.FAULT_DOUBLE_FREE]));
  });

  it('answers before the first allocation', async () => {
    const runtime = await open(flavour, 'by a graph');
    expect(scan(runtime, { ranges: [[0, 65_536]], words: [0, 1, 0xffffffff] }).size).toBe(0);
  });
});

// The flavours of the runtime do not differ in this, so one of them is enough. The model is the same for all ways of
// marking.
it.each(Object.entries(largeShapes))(
  'the leak scan equals the model on a large heap with the shape of %s, however it marks',
  async (_name, link) => {
    const runtime = await Runtime.open('wasi');
    const random = generator();
    const blocks = Array.from({ length: 20_000 }, () => ({
      start: runtime.call('calloc', 1, 32),
      size: 32,
    }));
    const words = new Uint32Array(runtime.memory.buffer);
    const order = shuffled(
      blocks.map(({ start }) => start),
      random,
    );
    for (const [i, start] of order.entries()) {
      for (const [word, to] of link(i, order, random).entries()) words[(start >>> 2) + word] = to ?? 0;
    }
    const chunks = blocks.map((block) => readChunk(runtime, block));
    for (const roots of [[order[0]!], [order[order.length >> 1]! + 12], []]) {
      const model = modelScan(chunks, roots);
      for (const [way, limits] of Object.entries(ways)) {
        runtime.call('heapline_test_scan_limits', ...limits);
        const found = scan(runtime, { words: roots });
        const different = [...model].filter(([address, kind]) => found.get(address) !== kind);
        expect(different, `${way}, ${roots.length} roots`).toEqual([]);
      }
    }
  },
);
