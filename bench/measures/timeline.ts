// What a timeline costs: real programs and kernels that allocate all the time, tracked with and without one.
import { Ledger } from '../../src/heap/index.ts';
import { TimelineRecorder } from '../../src/timeline/index.ts';
import { linkWasi } from '../build.ts';
import { realPrograms } from '../corpora.ts';
import { heaplineImports, type Runnable, runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { kernels, type Program } from '../programs.ts';
import { bar, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, ratioSpread } from '../statistics.ts';
import { tracked } from './tracking.ts';

const KERNELS = ['churn', 'sizes', 'grow', 'large', 'trees'];
/** Samples of the other measurements take some 20 ms, and these so many times as long. */
const LONGER = 12;
const START = 'heapline_set_timeline';

/** The same module with a timeline of every sample. */
function recorded(bytes: Uint8Array, artifact: Parameters<typeof runnable>[1], entry: string): Runnable {
  let recorder: TimelineRecorder | null = null;
  const module = runnable(bytes, artifact, entry, {
    heapline: { ...heaplineImports, point: () => recorder?.point() ?? 0 },
  });
  return {
    open: () => {
      recorder = null;
      const guest = module.open();
      const exports = guest.instance.exports as Record<string, WebAssembly.ExportValue>;
      const address = (exports.heapline_runtime as WebAssembly.Global).value as number;
      const start = exports[START] as (step: number) => void;
      recorder = new TimelineRecorder(new Ledger(guest.memory, address, 0), start);
      return guest;
    },
  };
}

async function measure(program: Program, setting: Setting) {
  const artifact = await linkWasi(program, 'heapline', { flags: [`-Wl,--export=${START}`] });
  const bytes = tracked(artifact);
  const variants = new Map([
    ['tracked', runnable(bytes, artifact, program.entry)],
    ['timeline', recorded(bytes, artifact, program.entry)],
  ]);
  const samples = await interleave(variants, {
    rounds: setting.quick ? 7 : 21,
    budget: setting.quick ? 4e9 : 40e9,
    maximalWarmUp: 3,
    // The first points of a guest are taken at once, so short runs show those alone.
    scale: program.name === 'trees' ? program.scale + 3 : program.scale * LONGER,
  });
  const times = (name: string): readonly number[] => samples.find((sample) => sample.name === name)!.times;
  return { program: program.name, ratio: ratioSpread(times('timeline'), times('tracked')) };
}

export async function measureTimeline(setting: Setting): Promise<Outcome> {
  const programs = [...(await realPrograms('wasi')), ...kernels.filter(({ name }) => KERNELS.includes(name))];
  const results = [];
  for (const program of programs.filter(({ name }) => setting.wants(name))) {
    setting.progress(`timeline: ${program.name}`);
    results.push(await measure(program, setting));
  }
  const mean = geometricMean(results.map(({ ratio }) => ratio.median));
  return {
    tables: [
      {
        title: 'Timelines: time with one ÷ time without',
        columns: ['program', 'ratio'],
        rows: results.map(({ program, ratio }) => [program, withQuartiles(ratio)]),
        notes: [],
      },
    ],
    bars: [bar('timeline on, ÷ tracked, geometric mean', mean, 1.02, 'lower', 1.005)],
    data: results,
  };
}
