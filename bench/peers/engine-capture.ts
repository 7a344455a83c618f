// All other wasm tools work like this: at each allocation the host takes the engine's stack as text. The host does
// nothing with the stack here, so a real tool is slower than this.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { linkWasi } from '../build.ts';
import { type Runnable, runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { tracked } from '../measures/tracking.ts';
import { comparedKernels, kernels, PAIRS, type Program, smallestScale } from '../programs.ts';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { ratioSpread, type Spread, spread } from '../statistics.ts';

const captureSource = fileURLToPath(new URL('capture.c', import.meta.url));
const wrapped = ['malloc', 'calloc', 'realloc', 'aligned_alloc'].map((name) => `-Wl,--wrap=${name}`);

/** One kernel with a capture per allocation, beside the same kernel without captures. */
export interface CaptureResult {
  readonly program: string;
  readonly ratio: Spread;
  readonly plainMemory: number;
  readonly captureMemory: number;
}

/** Opens the module that calls the host at every allocation, and the host's part of it. */
async function capturing(program: Program): Promise<{ module: Runnable; captured: () => number }> {
  const artifact = await linkWasi(program, 'dlmalloc', { sources: [captureSource], flags: wrapped });
  let characters = 0;
  const capture = (): void => {
    characters += new Error().stack!.length;
  };
  const bytes = readFileSync(artifact.path);
  return {
    module: runnable(bytes, artifact, program.entry, { bench: { capture } }),
    captured: () => characters,
  };
}

async function plainOf(program: Program): Promise<Runnable> {
  const artifact = await linkWasi(program, 'dlmalloc');
  return runnable(readFileSync(artifact.path), artifact, program.entry);
}

/** Runs `work` while captures keep up to a hundred frames. */
async function withDeepStacks<T>(work: () => Promise<T>): Promise<T> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

async function perPair(program: Program, setting: Setting): Promise<Record<string, Spread>> {
  const withRuntime = await linkWasi(program, 'heapline');
  // The fast variant runs at a scale that can be timed, the slow one at scale 1. Both times are then divided per
  // pair.
  const fast = await interleave(
    new Map([
      ['plain', await plainOf(program)],
      ['tracked', runnable(tracked(withRuntime), withRuntime, program.entry)],
    ]),
    { rounds: setting.quick ? 9 : 21, maximalWarmUp: 10, scale: program.scale },
  );
  const { module, captured } = await capturing(program);
  const slow = await withDeepStacks(() =>
    interleave(new Map([['capture', module]]), {
      rounds: setting.quick ? 1 : 5,
      maximalWarmUp: setting.quick ? 0 : 1,
      scale: 1,
    }),
  );
  if (captured() === 0) throw new Error(`${program.name}: no allocation reached the capturing host`);
  const [plainTimes, trackedTimes] = fast.map((s) => s.times.map((t) => t / (program.scale * PAIRS)));
  const captureTimes = slow[0]!.times.map((t) => t / PAIRS);
  return {
    plain: spread(plainTimes!),
    tracked: spread(trackedTimes!),
    capture: spread(captureTimes),
    ratio: ratioSpread(
      captureTimes,
      captureTimes.map(() => spread(trackedTimes!).median),
    ),
  };
}

async function againstPlain(program: Program, setting: Setting): Promise<CaptureResult> {
  const variants = new Map([
    ['plain', await plainOf(program)],
    ['capture', (await capturing(program)).module],
  ]);
  const [plain, captured] = await withDeepStacks(() =>
    interleave(variants, {
      rounds: setting.quick ? 1 : 3,
      maximalWarmUp: 1,
      scale: smallestScale(program),
    }),
  );
  return {
    program: program.name,
    ratio: ratioSpread(captured!.times, plain!.times),
    plainMemory: plain!.memory,
    captureMemory: captured!.memory,
  };
}

export async function measureEngineCapture(setting: Setting): Promise<Outcome> {
  const pairs = new Map<string, Record<string, Spread>>();
  for (const program of kernels.filter((k) => k.role === 'churn' || k.role === 'pair')) {
    setting.progress(`${program.name}, engine stack capture`);
    pairs.set(program.name, await perPair(program, setting));
  }
  const programs: CaptureResult[] = [];
  for (const program of comparedKernels) {
    setting.progress(`${program.name}, engine stack capture against plain`);
    programs.push(await againstPlain(program, setting));
  }
  return {
    tables: [
      {
        title: 'One malloc+free, nanoseconds',
        columns: ['kernel', 'plain dlmalloc', 'tracked', 'engine capture', 'capture ÷ tracked'],
        rows: [...pairs].map(([name, r]) => [
          name,
          withQuartiles(r.plain!),
          withQuartiles(r.tracked!),
          withQuartiles(r.capture!),
          number(r.ratio!.median),
        ]),
        notes: ['Engine capture: plain dlmalloc plus one `new Error().stack` (up to 100 frames) per malloc.'],
      },
    ],
    bars: [
      bar(
        'one tracked malloc+free, times faster than with an engine stack capture, worst',
        Math.min(...[...pairs.values()].map((r) => r.ratio!.median)),
        500,
        'higher',
        1000,
      ),
    ],
    data: { pairs: Object.fromEntries(pairs), programs },
  };
}
