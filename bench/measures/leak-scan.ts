// How fast a leak scan goes through a heap: a million blocks of 64 bytes, each full of words that may be pointers,
// linked to a list as they were allocated, or in random order (every block a miss in every cache); larger blocks.
import { readFileSync } from 'node:fs';
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
}

const shapes: readonly Shape[] = [
  { name: '64-byte blocks, linked in order', blocks: 1_000_000, bytes: 64, shuffled: false },
  { name: '64-byte blocks, linked in random order', blocks: 1_000_000, bytes: 64, shuffled: true },
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

export async function measureLeakScan(setting: Setting): Promise<Outcome> {
  setting.progress('leak scan');
  const program = kernels.find((k) => k.name === 'pair')!;
  const names = ['start', 'word', 'finish'].map((name) => `heapline_scan_${name}`);
  const artifact = await linkWasi(program, 'heapline', {
    flags: names.map((name) => `-Wl,--export=${name}`),
  });
  const module = runnable(instrument(readFileSync(artifact.path)).bytes, artifact, program.entry);
  const rows: { shape: Shape; first: number; speed: Spread }[] = [];
  for (const shape of shapes) {
    const guest = module.open();
    const call = guest.instance.exports as Record<string, (...values: number[]) => number>;
    const blocks = Uint32Array.from({ length: shape.blocks }, () => call.malloc!(shape.bytes));
    const order = blocks.slice();
    if (shape.shuffled) shuffle(order);
    const words = new Uint32Array(guest.memory.buffer);
    for (const [i, block] of order.entries()) {
      const at = block >>> 2;
      words.fill(i, at, at + shape.bytes / 4);
      words[at + 3] = order[i + 1] ?? 0;
      words[at + 5] = order[Math.max(0, i - 7)]!;
    }
    const heap = (shape.blocks * shape.bytes) / 1e6;
    const speeds: number[] = [];
    for (let round = 0; round < (setting.quick ? 8 : 20); round++) {
      const start = threadTime();
      call.heapline_scan_start!();
      call.heapline_scan_word!(order[0]!);
      call.heapline_scan_finish!();
      speeds.push(heap / ((threadTime() - start) / 1e9));
    }
    rows.push({ shape, first: speeds[0]!, speed: spread(speeds.slice(2)) });
  }
  return {
    tables: [
      {
        title: 'Leak scan, MB of heap a second',
        columns: ['heap', 'first', 'later'],
        rows: rows.map(({ shape, first, speed }) => [
          shape.name,
          number(first),
          `${number(speed.median)} (${number(speed.lower)}–${number(speed.upper)})`,
        ]),
        notes: [
          'All blocks are reachable from one word, through two pointers in each. first: V8 has not optimised it yet.',
          'Random order: the scan waits for memory, because each block is a miss, and so is its metadata.',
        ],
      },
    ],
    bars: [
      ...rows.map(({ shape, speed }) =>
        bar(`leak scan, MB of heap per second (${shape.name})`, speed.median, 500, 'higher', 2000),
      ),
    ],
    data: rows,
  };
}
