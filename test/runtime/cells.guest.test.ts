// Client requests against a model in JavaScript, with all assertions of the runtime on: what allocators of the program's own
// hand out counts once, whatever they do. test/leaks/requests.witness.test.ts compares the leak checks with Valgrind's.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';

const request = {
  allocated: 0x1301,
  freed: 0x1302,
  createPool: 0x1303,
  destroyPool: 0x1304,
  poolAllocate: 0x1305,
  poolFree: 0x1306,
  poolTrim: 0x1307,
  poolMove: 0x1308,
  poolChange: 0x1309,
  poolExists: 0x130a,
  resized: 0x130b,
  ignore: 0x484c0001,
  ignoreAll: 0x484c0002,
  ignoreNoMore: 0x484c0003,
  addRoots: 0x484c0004,
  removeRoots: 0x484c0005,
} as const;

function ask(runtime: Runtime, name: keyof typeof request, ...args: number[]): number {
  return runtime.call('heapline_request', request[name], ...args, ...Array(5 - args.length).fill(0));
}

/** The classes of the blocks after a scan without other roots than these words. */
function reached(runtime: Runtime, words: readonly number[], addresses: readonly number[]): number[] {
  runtime.call('heapline_scan_start');
  for (const word of words) runtime.call('heapline_scan_word', word);
  runtime.call('heapline_scan_finish');
  const blocks = new Map([...runtime.blocks()].map(([address, { metadata }]) => [address, metadata]));
  for (const [address, metadata] of cells(runtime)) blocks.set(address, metadata);
  return addresses.map(
    (address) => (runtime.u32(blocks.get(address)!) & layout.BLOCK_CLASS_MASK) >>> layout.BLOCK_CLASS_SHIFT,
  );
}

/** Cells in use: the addresses of their metadata by their own. */
function cells(runtime: Runtime): Map<number, number> {
  const found = new Map<number, number>();
  let chunk = runtime.runtime(layout.RUNTIME_FIRST_CELL_CHUNK);
  for (; chunk !== 0; chunk = runtime.u32(chunk + layout.CHUNK_NEXT)) {
    const used = runtime.u32(chunk + layout.CHUNK_USED);
    for (let i = 0; i < used; i++) {
      const cell = chunk + layout.CHUNK_ENTRIES + i * layout.CELL_SIZE;
      const block = cell + layout.CELL_BLOCK;
      if (runtime.u32(block) & layout.BLOCK_FREED) continue;
      found.set(runtime.u32(cell + layout.CELL_ADDRESS), block);
    }
  }
  return found;
}

const CHUNK = 1024;
const PLACES = 16;

interface Step {
  readonly what: number;
  readonly chunk: number;
  readonly place: number;
  readonly size: number;
}

const steps = fc.array(
  fc.record({ what: fc.nat(9), chunk: fc.nat(3), place: fc.nat(PLACES - 1), size: fc.nat(CHUNK / PLACES) }),
  { minLength: 20, maxLength: 120 },
);

describe.each(flavours)('client requests in the %s runtime', (flavour) => {
  it('count memory once, whatever pools and malloc do', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const runtime = await Runtime.open(flavour, {}, 'debug');
        const chunks: (number | null)[] = [null, null, null, null];
        const handedOut = new Map<number, number>();
        const forget = (start: number): void => {
          for (const cell of handedOut.keys())
            if (cell >= start && cell < start + CHUNK) handedOut.delete(cell);
        };
        const take = ({ what, chunk, place, size }: Step, number: number): void => {
          runtime.enterCall(1, 100 + (number % 7));
          const start = chunks[chunk]!;
          if (start === null) {
            if (what < 6) chunks[chunk] = runtime.call('malloc', CHUNK);
            return;
          }
          const cell = start + (place * CHUNK) / PLACES;
          switch (what) {
            case 6:
            case 7:
              ask(runtime, 'freed', cell);
              handedOut.delete(cell);
              break;
            case 8: {
              forget(start);
              chunks[chunk] = runtime.call('realloc', start, CHUNK + size + 1);
              runtime.call('free', chunks[chunk]!);
              chunks[chunk] = null;
              break;
            }
            case 9:
              forget(start);
              runtime.call('free', start);
              chunks[chunk] = null;
              break;
            default:
              ask(runtime, 'allocated', cell, size);
              handedOut.set(cell, size);
          }
        };
        all.forEach(take);
        runtime.check();
        const live = chunks.filter((chunk) => chunk !== null).length;
        expect(runtime.liveBytes).toBe(live * CHUNK);
        expect(runtime.liveObjects).toBe(live + handedOut.size);
        expect([...cells(runtime).keys()].sort()).toEqual([...handedOut.keys()].sort());
        for (const [cell, metadata] of cells(runtime)) {
          expect(runtime.u32(metadata + layout.BLOCK_REQUESTED)).toBe(handedOut.get(cell));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('give each cell its own context, and the rest of the block to the context of malloc', async () => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    runtime.enterCall(1, 10);
    const chunk = runtime.call('malloc', 1000);
    for (let i = 0; i < 3; i++) {
      runtime.enterCall(1, 20 + i);
      ask(runtime, 'allocated', chunk + 100 * i, 50);
    }
    const held = (path: string): number[] => {
      const { liveObjects, liveBytes, allocBytes } = runtime.contexts().get(path)!;
      return [liveObjects, liveBytes, allocBytes];
    };
    expect([held('a'), held('14'), held('16')]).toEqual([
      [1, 850, 1000],
      [1, 50, 50],
      [1, 50, 50],
    ]);
    ask(runtime, 'freed', chunk);
    expect([held('a'), held('14')]).toEqual([
      [1, 900, 1000],
      [0, 0, 50],
    ]);
    runtime.call('free', chunk);
    expect(runtime.liveBytes).toBe(0);
    runtime.check();
  });

  it('trim, move and change pools', async () => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    const chunk = runtime.call('malloc', 1000);
    ask(runtime, 'createPool', 8, 0, 0, 0);
    for (let i = 0; i < 4; i++) ask(runtime, 'poolAllocate', 8, chunk + 100 * i, 60);
    // The first is cut at its start, the second stays, the third is cut at its end, and the last goes.
    ask(runtime, 'poolTrim', 8, chunk + 20, 200);
    const sizes = (): number[][] =>
      [...cells(runtime)]
        .map(([address, metadata]) => [address - chunk, runtime.u32(metadata + layout.BLOCK_REQUESTED)])
        .sort(([a], [b]) => a! - b!);
    expect(sizes()).toEqual([
      [20, 40],
      [100, 60],
      [200, 20],
    ]);
    ask(runtime, 'poolChange', 8, chunk + 100, chunk + 500, 70);
    expect(sizes().at(-1)).toEqual([500, 70]);
    ask(runtime, 'poolMove', 8, 16);
    expect([ask(runtime, 'poolExists', 8), ask(runtime, 'poolExists', 16)]).toEqual([0, 1]);
    ask(runtime, 'resized', chunk + 500, 70, 90);
    expect(sizes().at(-1)).toEqual([500, 90]);
    runtime.check();
    ask(runtime, 'destroyPool', 16);
    expect(cells(runtime).size).toBe(0);
    expect(runtime.faults).toEqual([]);
    runtime.check();
  });

  it('report what is no cell and no pool, with the places where cells were allocated and freed', async () => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    const chunk = runtime.call('malloc', 1000);
    runtime.enterCall(1, 10);
    ask(runtime, 'allocated', chunk + 16, 10);
    runtime.enterCall(1, 11);
    ask(runtime, 'freed', chunk + 16);
    runtime.enterCall(1, 12);
    ask(runtime, 'freed', chunk + 16);
    const [fault] = runtime.faults;
    expect(fault).toMatchObject({ kind: layout.FAULT_DOUBLE_FREE, block: chunk + 16, blockSize: 10 });
    expect(
      [fault!.context, fault!.allocContext, fault!.freeContext].map((node) => runtime.path(node)),
    ).toEqual(['c', 'a', 'b']);
    ask(runtime, 'freed', chunk + 48);
    ask(runtime, 'freed', 8);
    ask(runtime, 'destroyPool', 8);
    expect(runtime.faults.slice(1).map(({ kind }) => kind)).toEqual([
      layout.FAULT_INTERIOR_FREE,
      layout.FAULT_FOREIGN_FREE,
      layout.FAULT_UNKNOWN_POOL,
    ]);
    runtime.check();
  });

  it('keep cells and their holders apart in a scan, and skip what freed cells contain', async () => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    const chunk = runtime.call('malloc', 1000);
    const other = runtime.call('malloc', 32);
    const [a, b, c] = [chunk, chunk + 101, chunk + 300];
    for (const cell of [a, b, c]) ask(runtime, 'allocated', cell, 50);
    const {
      BLOCK_CLASS_DEFINITE: lost,
      BLOCK_CLASS_INDIRECT: indirect,
      BLOCK_CLASS_REACHABLE: found,
    } = layout;
    runtime.setU32(b + 3, c);
    runtime.setU32(c + 4, other);
    expect(reached(runtime, [chunk], [a, b, c, other])).toEqual([found, lost, indirect, indirect]);
    expect(reached(runtime, [b], [a, b, c, other])).toEqual([lost, found, found, found]);
    // The pointer in the freed cell is not looked at any more, but the block around it is reachable.
    for (const cell of [a, b, c]) ask(runtime, 'freed', cell);
    expect(reached(runtime, [chunk], [chunk, other])).toEqual([found, lost]);
    runtime.setU32(chunk + 500, other);
    expect(reached(runtime, [chunk], [chunk, other])).toEqual([found, found]);
    runtime.check();
  });

  it('take ignored blocks and named regions for roots', async () => {
    const runtime = await Runtime.open(flavour, {}, 'debug');
    const [a, b, c] = [16, 16, 16].map((size) => runtime.call('calloc', size, 1)) as [number, number, number];
    runtime.setU32(a, b);
    const { BLOCK_CLASS_DEFINITE: lost, BLOCK_CLASS_REACHABLE: found } = layout;
    ask(runtime, 'ignore', a + 4);
    expect(reached(runtime, [], [a, b, c])).toEqual([found, found, lost]);
    const room = runtime.call('root_cells');
    runtime.setU32(room + 8, c);
    ask(runtime, 'addRoots', room, 16);
    expect(reached(runtime, [], [c])).toEqual([found]);
    ask(runtime, 'removeRoots', room, 16);
    expect(reached(runtime, [], [c])).toEqual([lost]);
    // Another block at the same address is not ignored.
    runtime.call('free', a);
    expect(runtime.call('malloc', 16)).toBe(a);
    expect(reached(runtime, [], [a])).toEqual([lost]);
    ask(runtime, 'ignoreAll');
    const kept = Array.from({ length: 100 }, (_, i) => runtime.call('malloc', i));
    const moved = runtime.call('realloc', runtime.call('malloc', 10), 9000);
    ask(runtime, 'ignoreNoMore');
    expect(new Set(reached(runtime, [], [...kept, moved]))).toEqual(new Set([found]));
    expect(reached(runtime, [], [runtime.call('malloc', 10)])).toEqual([lost]);
    runtime.check();
  });

  it('do without memory for themselves', async () => {
    const runtime = await Runtime.open(flavour, { initial: 4, maximum: 5 }, 'debug');
    const chunk = runtime.call('malloc', 100_000);
    while (runtime.call('malloc', 16) !== 0);
    for (let i = 0; i < 2000; i++) ask(runtime, 'allocated', chunk + 40 * i, 32);
    runtime.check();
    const known = cells(runtime).size;
    expect(known).toBeLessThan(2000);
    reached(runtime, [chunk], [chunk]);
    for (const cell of cells(runtime).keys()) ask(runtime, 'freed', cell);
    runtime.check();
    expect(runtime.faults).toEqual([]);
  });
});
