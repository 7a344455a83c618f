// The way of all other wasm tools: a host call per allocation that takes the engine's stack as text. The host does
// nothing with the stack here, so a real tool is slower than this.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { linkWasi } from '../build.ts';
import { runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { tracked } from '../measures/tracking.ts';
import { kernels, type Program } from '../programs.ts';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { ratioSpread, type Spread, spread } from '../statistics.ts';

const captureSource = fileURLToPath(new URL('capture.c', import.meta.url));
const wrapped = ['malloc', 'calloc', 'realloc', 'aligned_alloc'].map((name) => `-Wl,--wrap=${name}`);

/** Malloc+free pairs per unit of scale, by kernel. */
const PAIRS = 100_000;

async function perPair(program: Program, setting: Setting): Promise<Record<string, Spread>> {
  const plain = await linkWasi(program, 'dlmalloc');
  const withRuntime = await linkWasi(program, 'heapline');
  const capturing = await linkWasi(program, 'dlmalloc', { sources: [captureSource], flags: wrapped });
  let captured = 0;
  const capture = (): void => {
    captured += new Error().stack!.length;
  };
  // The fast pair at a scale that can be timed, the slow one at scale 1; both per pair afterwards.
  const options = { rounds: setting.quick ? 9 : 21, maximalWarmUp: 10 };
  const fast = await interleave(
    new Map([
      ['plain', runnable(readFileSync(plain.path), plain, program.entry)],
      ['tracked', runnable(tracked(withRuntime), withRuntime, program.entry)],
    ]),
    { ...options, scale: program.scale },
  );
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  try {
    const slow = await interleave(
      new Map([
        ['capture', runnable(readFileSync(capturing.path), capturing, program.entry, { bench: { capture } })],
      ]),
      { rounds: setting.quick ? 1 : 5, maximalWarmUp: 1, scale: 1 },
    );
    if (captured === 0) throw new Error(`${program.name}: no allocation reached the capturing host`);
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
  } finally {
    Error.stackTraceLimit = limit;
  }
}

export async function measureEngineCapture(setting: Setting): Promise<Outcome> {
  const programs = kernels.filter((k) => k.role === 'churn' || k.role === 'pair');
  const results = new Map<string, Record<string, Spread>>();
  for (const program of programs) {
    setting.progress(`${program.name}, engine stack capture`);
    results.set(program.name, await perPair(program, setting));
  }
  return {
    tables: [
      {
        title: 'One malloc+free, nanoseconds',
        columns: ['kernel', 'plain dlmalloc', 'tracked', 'engine capture', 'capture ÷ tracked'],
        rows: [...results].map(([name, r]) => [
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
        Math.min(...[...results.values()].map((r) => r.ratio!.median)),
        200,
        'higher',
        500,
      ),
    ],
    data: Object.fromEntries(results),
  };
}
