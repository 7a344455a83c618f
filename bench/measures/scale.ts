// How cost grows with live blocks, calling contexts, depth of the stack, size of the heap and size of the module.
// Each dimension grows by itself over several powers of ten, with the plain variant beside the tracked one if there
// is one. The cost per operation should stay flat, and the later work of the tools (scan, profile, instrument) should
// grow in proportion.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readSnapshot } from '../../src/heap/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { buildProfile } from '../../src/profile/index.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { compileAll, linkWasi, linkWasiObjects, targets } from '../build.ts';
import { rest, threadTime } from '../clock.ts';
import { realPrograms } from '../corpora.ts';
import { type Guest, type Runnable, runnable } from '../guest.ts';
import { drawPlot, type Plot } from '../plot.ts';
import { kernelFolder, type Program } from '../programs.ts';
import { number, type Outcome, type Table } from '../report.ts';
import type { Setting } from '../setting.ts';
import { spread } from '../statistics.ts';
import { codeSize } from './instrumenting.ts';
import { placesIn } from './symbolising.ts';

const kernel: Program = {
  name: 'scale',
  role: 'mixed',
  sources: [`${kernelFolder}scale.c`],
  headers: [`${kernelFolder}kernel.h`],
  flags: [],
  entry: 'fill',
  scale: 0,
};
const functions = ['replace', 'all_blocks', 'visit_all', 'visit', 'bottom', 'descend'];
const scanFunctions = ['start', 'word', 'finish'].map((name) => `heapline_scan_${name}`);
const exported = (names: readonly string[]): string[] => names.map((name) => `-Wl,--export=${name}`);

/** Values of one point: the dimension, then `variant value`, such as `tracked replace`. */
type Row = Record<string, number>;

interface Pair {
  readonly plain: Runnable;
  readonly tracked: Runnable;
  readonly wasm: Uint8Array;
  readonly runtimeAddress: number;
}

async function build(): Promise<Pair> {
  const plain = await linkWasi(kernel, 'dlmalloc', { flags: exported(functions) });
  const linked = await linkWasi(kernel, 'heapline', { flags: exported([...functions, ...scanFunctions]) });
  const wasm = readFileSync(linked.path);
  const { bytes, runtimeAddress } = instrument(wasm);
  return {
    plain: runnable(readFileSync(plain.path), plain, kernel.entry),
    tracked: runnable(bytes, linked, kernel.entry),
    wasm,
    runtimeAddress,
  };
}

/** Frees the memory of instances that are gone. V8's collector would not notice a few gigabytes of it in time. */
const collect: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function call(guest: Guest, name: string, ...values: readonly number[]): number {
  return (guest.instance.exports[name] as (...values: readonly number[]) => number)(...values);
}

/** Nanoseconds of processor time. */
function time(work: () => void): number {
  const start = threadTime();
  work();
  return threadTime() - start;
}

/** Brings all code to TurboFan, because V8's tiering must not look like a curve. */
async function warmUp(pair: Pair): Promise<void> {
  for (const module of [pair.plain, pair.tracked]) {
    for (let round = 0; round < 4; round++) {
      const guest = module.open();
      call(guest, 'fill', 10_000, 32);
      call(guest, 'replace', 300_000);
      call(guest, 'visit_all', 10_000);
      call(guest, 'visit', 1000, 100_000);
      call(guest, 'bottom', 10, 300_000);
      call(guest, 'descend', 100, 10_000);
      if (module === pair.tracked) scan(guest);
      await rest(20);
    }
  }
}

function scan(guest: Guest): void {
  call(guest, 'heapline_scan_start');
  call(guest, 'heapline_scan_word', call(guest, 'all_blocks'));
  call(guest, 'heapline_scan_finish');
}

/** Measures both variants of one point a few times, in turn. `one` fills in the measured values. */
function medians(
  pair: Pair,
  wanted: number,
  setting: Setting,
  one: (guest: Guest, tracked: boolean) => Row,
): Row {
  const rounds = setting.quick ? 3 : wanted;
  const samples = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++)
    for (const variant of round % 2 ? (['tracked', 'plain'] as const) : (['plain', 'tracked'] as const)) {
      const values = one(pair[variant].open(), variant === 'tracked');
      for (const [name, value] of Object.entries(values)) {
        const key = `${variant} ${name}`;
        samples.set(key, [...(samples.get(key) ?? []), value]);
      }
      collect();
    }
  return Object.fromEntries([...samples].map(([name, values]) => [name, spread(values).median]));
}

const powers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));

interface Curve {
  readonly table: Table;
  readonly rows: readonly Row[];
}

const MiB = 2 ** 20;

const GROWTH_NOTE =
  'First mallocs bend in plain: wasi-libc grows memory by one page at a time, and V8 may collect garbage at each memory.grow.';

function measureBlocks(pair: Pair, setting: Setting): Curve {
  const BYTES = 32;
  const rows = powers(3, setting.quick ? 5 : 7).map((blocks): Row => {
    setting.progress(`scale: ${number(blocks)} live blocks`);
    const steps = setting.quick ? 100_000 : 500_000;
    const row = medians(pair, blocks >= 1e7 ? 3 : 5, setting, (guest, tracked) => {
      const before = guest.memory.buffer.byteLength;
      const values: Row = {
        fill: time(() => call(guest, 'fill', blocks, BYTES)) / blocks,
        replace: time(() => call(guest, 'replace', steps)) / steps,
        memory: (guest.memory.buffer.byteLength - before) / blocks,
      };
      if (tracked) values.scan = time(() => scan(guest)) / blocks;
      return values;
    });
    return { blocks, ...row };
  });
  return {
    rows,
    table: {
      title: 'Scale: live blocks',
      columns: [
        'live blocks of 32 bytes',
        'malloc+free plain ns',
        'malloc+free tracked ns',
        'first malloc plain ns',
        'first malloc tracked ns',
        'memory plain B',
        'memory tracked B',
        'leak scan ns',
      ],
      rows: rows.map((r) => [
        number(r.blocks!),
        number(r['plain replace']!),
        number(r['tracked replace']!),
        number(r['plain fill']!),
        number(r['tracked fill']!),
        r.blocks! < 1e4 ? '' : number(r['plain memory']!),
        r.blocks! < 1e4 ? '' : number(r['tracked memory']!),
        number(r['tracked scan']!),
      ]),
      notes: [
        'malloc+free: frees one block of many, drawn at random, and allocates another. All values are per block.',
        'From 10^5 blocks on, the blocks no longer fit the processor’s caches: the curve bends, because a random block is a miss.',
        'The tracked free reads metadata apart from the block, which is a second miss; dlmalloc’s header is beside the block.',
        'The leak scan follows pointers to random blocks and bends at the same place.',
        GROWTH_NOTE,
      ],
      plot: picture('scale-blocks', {
        title: 'One malloc+free, by number of live blocks',
        x: 'live blocks',
        y: 'nanoseconds',
        series: [
          series('tracked', rows, 'blocks', 'tracked replace'),
          series('plain', rows, 'blocks', 'plain replace'),
          series('leak scan, per block', rows, 'blocks', 'tracked scan'),
        ],
      }),
    },
  };
}

function measureContexts(pair: Pair, setting: Setting): Curve {
  const rows = powers(1, setting.quick ? 4 : 6).map((contexts): Row => {
    setting.progress(`scale: ${number(contexts)} contexts`);
    const steps = setting.quick ? 50_000 : 300_000;
    const row = medians(pair, contexts >= 1e6 ? 3 : 7, setting, (guest, tracked) => {
      const before = guest.memory.buffer.byteLength;
      const first = time(() => call(guest, 'visit_all', contexts)) / contexts;
      const values: Row = { again: time(() => call(guest, 'visit', contexts, steps)) / steps };
      // Fewer contexts are made too fast for the clock.
      if (contexts >= 1e3) values.first = first;
      if (tracked) {
        values.memory = (guest.memory.buffer.byteLength - before) / contexts;
        let encoded = 0;
        values.profile =
          time(() => {
            encoded = buildProfile({
              kind: 'allocs',
              snapshot: readSnapshot(guest.memory, pair.runtimeAddress),
              symbols: Symbolizer.open(pair.wasm),
              hostStacks: { frames: () => [] },
              module: { name: kernel.name, path: 'scale.wasm', codeSize: codeSize(pair.wasm) },
            }).encode().length;
          }) / contexts;
        values.encoded = encoded / contexts;
      }
      return values;
    });
    return { contexts, ...row };
  });
  return {
    rows,
    table: {
      title: 'Scale: calling contexts, all 20 frames deep',
      columns: [
        'contexts',
        'first visit plain ns',
        'first visit tracked ns',
        'again plain ns',
        'again tracked ns',
        'memory B',
        'profile µs',
        'pprof B',
      ],
      rows: rows.map((r) => [
        number(r.contexts!),
        r.contexts! < 1e3 ? '' : number(r['plain first']!),
        r.contexts! < 1e3 ? '' : number(r['tracked first']!),
        number(r['plain again']!),
        number(r['tracked again']!),
        r.contexts! < 1e4 ? '' : number(r['tracked memory']!),
        number(r['tracked profile']! / 1e3),
        number(r['tracked encoded']!),
      ]),
      notes: [
        'A visit: 20 calls down, one malloc+free, and back. First: each context once, in order; again: drawn at random.',
        'Per context: memory of the tree and its accounts; from linear memory to gzipped pprof; its bytes.',
        'Random visits bend from 10^5 contexts on, because the tree no longer fits the processor’s caches.',
        'Each of the 20 frames is looked up in its parent, and the lower half of these look-ups misses. Visits in order do not bend.',
        'Programs go through their contexts in order. The profile of few contexts costs as much as opening the debug information.',
      ],
      plot: picture('scale-contexts', {
        title: 'One allocation 20 frames deep, by number of contexts',
        x: 'calling contexts',
        y: 'nanoseconds',
        series: [
          series('tracked, again', rows, 'contexts', 'tracked again'),
          series('plain, again', rows, 'contexts', 'plain again'),
          series('tracked, first', rows, 'contexts', 'tracked first'),
          series('profile, per context', rows, 'contexts', 'tracked profile'),
        ],
      }),
    },
  };
}

function measureDepth(pair: Pair, setting: Setting): Curve {
  const rows = powers(0, setting.quick ? 3 : 4).map((depth): Row => {
    setting.progress(`scale: ${number(depth)} frames`);
    const pairs = setting.quick ? 100_000 : 500_000;
    const times = Math.max(20, Math.round((setting.quick ? 3e5 : 3e6) / depth));
    const row = medians(pair, 7, setting, (guest) => ({
      bottom: time(() => call(guest, 'bottom', depth, pairs)) / pairs,
      descent: time(() => call(guest, 'descend', depth, times)) / times / depth,
    }));
    return { depth, ...row };
  });
  return {
    rows,
    table: {
      title: 'Scale: depth of the stack',
      columns: [
        'frames',
        'malloc+free at the bottom plain ns',
        'malloc+free at the bottom tracked ns',
        'per frame of a descent plain ns',
        'per frame of a descent tracked ns',
      ],
      rows: rows.map((r) => [
        number(r.depth!),
        number(r['plain bottom']!),
        number(r['tracked bottom']!),
        number(r['plain descent']!),
        number(r['tracked descent']!),
      ]),
      notes: [
        'At the bottom: the frames above have been walked once and are not walked again, however many there are.',
        'A descent goes all the way down, calls malloc and free once, and goes up again, so that every frame is new.',
        'The value for one frame contains the whole malloc+free.',
      ],
      plot: picture('scale-depth', {
        title: 'One malloc+free, by depth of the stack',
        x: 'frames',
        y: 'nanoseconds',
        series: [
          series('tracked, bottom', rows, 'depth', 'tracked bottom'),
          series('plain, bottom', rows, 'depth', 'plain bottom'),
          series('tracked, per frame', rows, 'depth', 'tracked descent'),
          series('plain, per frame', rows, 'depth', 'plain descent'),
        ],
      }),
    },
  };
}

function measureHeap(pair: Pair, setting: Setting): Curve {
  const BYTES = 4096;
  const sizes = setting.quick ? [1, 8, 64] : [1, 8, 64, 512, 1024, 2048];
  const rows = sizes.map((megabytes): Row => {
    setting.progress(`scale: heap of ${megabytes} MiB`);
    const blocks = Math.round((megabytes * MiB) / BYTES);
    const steps = setting.quick ? 50_000 : 200_000;
    const row = medians(pair, megabytes >= 512 ? 3 : 5, setting, (guest, tracked) => {
      const values: Row = {
        fill: time(() => call(guest, 'fill', blocks, BYTES)) / blocks,
        replace: time(() => call(guest, 'replace', steps)) / steps,
        memory: guest.memory.buffer.byteLength / MiB,
      };
      if (tracked) values.scan = (blocks * BYTES) / 1e6 / (time(() => scan(guest)) / 1e9);
      return values;
    });
    return { megabytes, ...row };
  });
  return {
    rows,
    table: {
      title: 'Scale: size of the heap, in blocks of 4 KiB',
      columns: [
        'heap MiB',
        'first malloc plain ns',
        'first malloc tracked ns',
        'malloc+free plain ns',
        'malloc+free tracked ns',
        'memory ÷',
        'leak scan MB/s',
      ],
      rows: rows.map((r) => [
        number(r.megabytes!),
        number(r['plain fill']!),
        number(r['tracked fill']!),
        number(r['plain replace']!),
        number(r['tracked replace']!),
        number(r['tracked memory']! / r['plain memory']!),
        number(r['tracked scan']!),
      ]),
      notes: [
        'The first malloc of a block includes the work of the kernel for a new page.',
        GROWTH_NOTE,
        'At 2,048 MiB addresses pass 2^31, half of what a 32-bit module can have.',
      ],
      plot: picture('scale-heap', {
        title: 'One malloc+free of 4 KiB, by size of the heap',
        x: 'heap, MiB',
        y: 'nanoseconds',
        series: [
          series('tracked', rows, 'megabytes', 'tracked replace'),
          series('plain', rows, 'megabytes', 'plain replace'),
          series('tracked, first', rows, 'megabytes', 'tracked fill'),
          series('plain, first', rows, 'megabytes', 'plain fill'),
        ],
      }),
    },
  };
}

/** Copies of sqlite3 in a module: a megabyte of code each. 0 stands for the kernel of this measurement. */
const copies = { quick: [0, 1], full: [0, 1, 4, 16, 51] };

async function manyCopies(sqlite: Program, count: number, folder: string): Promise<Uint8Array> {
  const inputs = [...sqlite.sources, ...sqlite.headers];
  const objects = await compileAll(targets.wasi, [`${kernelFolder}amalgam.c`], sqlite.flags, inputs);
  const path = join(folder, 'module.wasm');
  // When sections are not collected, the runtime's wrapper of exit stays as well.
  const flags = ['-Wl,--no-gc-sections', '-Wl,--wrap=exit'];
  await linkWasiObjects(Array<string>(count).fill(objects[0]!), sqlite.entry, flags, path);
  return readFileSync(path);
}

async function measureModules(setting: Setting): Promise<Curve> {
  const sqlite = (await realPrograms('wasi')).find((p) => p.name === 'sqlite3')!;
  const folder = mkdtempSync(join(tmpdir(), 'heapline-scale-'));
  const rows: Row[] = [];
  try {
    for (const count of setting.quick ? copies.quick : copies.full) {
      setting.progress(`scale: module with ${count} × sqlite3`);
      const bytes =
        count > 1
          ? await manyCopies(sqlite, count, folder)
          : readFileSync((await linkWasi(count === 0 ? kernel : sqlite, 'heapline')).path);
      const places = placesIn(bytes, 5000);
      const samples: Record<'instrument' | 'engine' | 'symbols', number[]> = {
        instrument: [],
        engine: [],
        symbols: [],
      };
      for (let round = 0; round < (count > 4 ? 4 : 10); round++) {
        let instrumented = bytes;
        samples.instrument.push(
          time(() => {
            instrumented = instrument(bytes).bytes;
          }),
        );
        samples.engine.push(time(() => new WebAssembly.Module(instrumented as Uint8Array<ArrayBuffer>)));
        samples.symbols.push(
          time(() => {
            const symbols = Symbolizer.open(bytes);
            for (const place of places) symbols.frames(place);
          }),
        );
        collect();
        await rest(1);
      }
      const median = (values: readonly number[]): number => spread(values.slice(1)).median / 1e6;
      rows.push({
        code: codeSize(bytes) / 1e6,
        file: bytes.length / 1e6,
        instrument: median(samples.instrument),
        engine: median(samples.engine),
        symbols: median(samples.symbols),
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    rows,
    table: {
      title: 'Scale: size of the module',
      columns: [
        'code MB',
        'file MB',
        'instrument ms',
        'code MB/s',
        'V8 compiles ms',
        'symbolise 5,000 places ms',
      ],
      rows: rows.map((r) => [
        number(r.code!),
        number(r.file!),
        number(r.instrument!),
        number(r.code! / (r.instrument! / 1e3)),
        number(r.engine!),
        number(r.symbols!),
      ]),
      notes: [
        'sqlite3 with its debug information, many times over; the first row is a small kernel with its C library.',
        'V8 compiles: `new WebAssembly.Module` of the instrumented module, on this thread.',
        'Places are spread over all code, so a larger module has more compilation units to read for the same number of places.',
      ],
      plot: picture('scale-modules', {
        title: 'What a module costs before it runs, by size of its code',
        x: 'code, MB',
        y: 'milliseconds',
        series: [
          series('instrument', rows, 'code', 'instrument'),
          series('V8 compiles', rows, 'code', 'engine'),
          series('5,000 places', rows, 'code', 'symbols'),
        ],
      }),
    },
  };
}

const picture = (file: string, plot: Plot): NonNullable<Table['plot']> => ({
  file,
  title: plot.title,
  svg: drawPlot(plot),
});

const series = (name: string, rows: readonly Row[], x: string, y: string): Plot['series'][number] => ({
  name,
  points: rows.map((row) => [row[x]!, row[y] ?? Number.NaN] as const).filter(([, value]) => value > 0),
});

export async function measureScale(setting: Setting): Promise<Outcome> {
  const pair = await build();
  await warmUp(pair);
  const curves: Record<string, Curve> = {
    blocks: measureBlocks(pair, setting),
    contexts: measureContexts(pair, setting),
    depth: measureDepth(pair, setting),
    heap: measureHeap(pair, setting),
    modules: await measureModules(setting),
  };
  return {
    tables: Object.values(curves).map((c) => c.table),
    bars: [],
    data: Object.fromEntries(Object.entries(curves).map(([name, c]) => [name, c.rows])),
  };
}
