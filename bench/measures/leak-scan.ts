// Speed of a leak scan through a heap: a million blocks of 64 bytes, full of words that may be pointers, linked to a
// list in the order of their allocation or in random order (every block misses every cache); and larger blocks. Also
// measures how fast heap.leaks() answers, from the call to the report with its stacks, when a quarter of the words of
// a million blocks are pointers to random other blocks.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadC } from '../../src/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { linkWasi } from '../build.ts';
import { threadTime } from '../clock.ts';
import { runnable } from '../guest.ts';
import { kernels } from '../programs.ts';
import { bar, number, type Outcome } from '../report.ts';
import type { Setting } from '../setting.ts';
import { type Spread, spread } from '../statistics.ts';

interface Shape {
  readonly name: string;
  readonly blocks: number;
  readonly bytes: number;
  readonly shuffled: boolean;
  /** Words of a block that point to the next block and to the block seven before. */
  readonly links?: readonly [number, number];
}

const shapes: readonly Shape[] = [
  { name: '64-byte blocks, linked in order', blocks: 1_000_000, bytes: 64, shuffled: false },
  { name: '64-byte blocks, linked in random order', blocks: 1_000_000, bytes: 64, shuffled: true },
  {
    name: '64-byte blocks, linked in random order, second pointer',
    blocks: 1_000_000,
    bytes: 64,
    shuffled: true,
    links: [5, 3],
  },
  { name: '256-byte blocks, linked in random order', blocks: 1_000_000, bytes: 256, shuffled: true },
  { name: '1 MiB blocks', blocks: 64, bytes: 1 << 20, shuffled: false },
];

/** Fisher–Yates with a generator of its own, so that every run is the same. */
function shuffle(values: Uint32Array): void {
  let state = 1;
  for (let i = values.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (i + 1));
    [values[i], values[other]] = [values[other]!, values[i]!];
  }
}

interface Row {
  readonly name: string;
  /** MB a second of the first scan, for which V8's optimised code comes too late. */
  readonly first: number;
  readonly speed: Spread;
}

/** Speeds of the scans of one heap with this many MB. */
function row(name: string, megabytes: number, rounds: number, scan: () => void): Row {
  const speeds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = threadTime();
    scan();
    speeds.push(megabytes / ((threadTime() - start) / 1e9));
  }
  return { name, first: speeds[0]!, speed: spread(speeds.slice(2)) };
}

const leakHeaps = fileURLToPath(new URL('../../test/leaks/leak-heaps.c', import.meta.url));

/** The whole of heap.leaks(): roots, scan, grouping by context, symbolised stacks. */
async function measureLeaks(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kept of [true, false]) {
    using lib = await loadC(leakHeaps, { toolchain: 'clang', flags: ['-O2'] });
    const bytes = lib.exports.build!(1_000_000, 64, kept ? 1 : 0) as number;
    const name = `heap.leaks(), pointers all over, ${kept ? 'all reachable' : 'all lost'}`;
    rows.push(row(name, bytes / 1e6, rounds, () => lib.heap.leaks()));
  }
  return rows;
}

export async function measureLeakScan(setting: Setting): Promise<Outcome> {
  setting.progress('leak scan');
  const rounds = setting.quick ? 8 : 20;
  const program = kernels.find((k) => k.name === 'pair')!;
  const names = ['start', 'word', 'finish'].map((name) => `heapline_scan_${name}`);
  const artifact = await linkWasi(program, 'heapline', {
    flags: names.map((name) => `-Wl,--export=${name}`),
  });
  const module = runnable(instrument(readFileSync(artifact.path)).bytes, artifact, program.entry);
  const rows: Row[] = [];
  for (const shape of shapes) {
    const guest = module.open();
    const call = guest.instance.exports as Record<string, (...values: number[]) => number>;
    const blocks = Uint32Array.from({ length: shape.blocks }, () => call.malloc!(shape.bytes));
    const order = blocks.slice();
    if (shape.shuffled) shuffle(order);
    const words = new Uint32Array(guest.memory.buffer);
    const [next, back] = shape.links ?? [3, 5];
    for (const [i, block] of order.entries()) {
      const at = block >>> 2;
      words.fill(i, at, at + shape.bytes / 4);
      words[at + next] = order[i + 1] ?? 0;
      words[at + back] = order[Math.max(0, i - 7)]!;
    }
    rows.push(
      row(shape.name, (shape.blocks * shape.bytes) / 1e6, rounds, () => {
        call.heapline_scan_start!();
        call.heapline_scan_word!(order[0]!);
        call.heapline_scan_finish!();
      }),
    );
  }
  rows.push(...(await measureLeaks(rounds)));
  return {
    tables: [
      {
        title: 'Leak scan, MB of heap a second',
        columns: ['heap', 'first', 'later'],
        rows: rows.map(({ name, first, speed }) => [
          name,
          number(first),
          `${number(speed.median)} (${number(speed.lower)}–${number(speed.upper)})`,
        ]),
        notes: [
          'Only scans: all blocks are reachable from one word, through two pointers in each.',
          'first: V8 has not optimised the scan yet.',
        ],
      },
    ],
    bars: [
      ...rows.map(({ name, speed }) =>
        bar(`leak scan, MB of heap per second (${name})`, speed.median, 1000, 'higher', 3000),
      ),
    ],
    data: rows,
  };
}
