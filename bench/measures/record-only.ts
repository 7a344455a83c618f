// What it costs to record a program that keeps its own allocator: real programs and kernels that allocate all the time,
// plain, with the recorder, and with the runtime in place of their allocator.
import '../../src/node/install.ts';
import { readFileSync } from 'node:fs';
import { graftAndInstrument } from '../../src/graft/index.ts';
import { linkWasi } from '../build.ts';
import { realPrograms } from '../corpora.ts';
import { runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { kernels, type Program } from '../programs.ts';
import { number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, ratioSpread } from '../statistics.ts';

const KERNELS = ['churn', 'sizes', 'grow', 'trees'];

async function measure(program: Program, setting: Setting) {
  // Without the export nothing says where the heap begins, because the stack lies before the data.
  const plain = await linkWasi(program, 'dlmalloc', { flags: ['-Wl,--export=__heap_base'] });
  const bytes = readFileSync(plain.path);
  const variants = new Map([
    ['plain', runnable(bytes, plain, program.entry)],
    ...(['always', 'never'] as const).map((recordOnly) => {
      const made = graftAndInstrument(new Uint8Array(bytes), { recordOnly });
      return [recordOnly, runnable(made.bytes, plain, program.entry)] as const;
    }),
  ]);
  const samples = await interleave(variants, {
    rounds: setting.quick ? 7 : 21,
    budget: setting.quick ? 1e9 : 10e9,
    maximalWarmUp: setting.quick ? 6 : 12,
    scale: program.scale,
  });
  const [own, recorded, grafted] = ['plain', 'always', 'never'].map(
    (name) => samples.find((sample) => sample.name === name)!,
  );
  return {
    program: program.name,
    recorded: ratioSpread(recorded!.times, own!.times),
    grafted: ratioSpread(grafted!.times, own!.times),
    againstGrafted: ratioSpread(recorded!.times, grafted!.times),
    memory: recorded!.memory / own!.memory,
  };
}

export async function measureRecordOnly(setting: Setting): Promise<Outcome> {
  const programs = [...(await realPrograms('wasi')), ...kernels.filter(({ name }) => KERNELS.includes(name))];
  const results: Awaited<ReturnType<typeof measure>>[] = [];
  for (const program of programs.filter(({ name }) => setting.wants(name))) {
    setting.progress(`record only: ${program.name}`);
    results.push(await measure(program, setting));
  }
  const mean = (of: 'recorded' | 'grafted'): string =>
    number(geometricMean(results.map((result) => result[of].median)));
  return {
    tables: [
      {
        title: 'Record only: programs that keep their own allocator',
        columns: ['program', 'recorded ÷ plain', 'grafted ÷ plain', 'recorded ÷ grafted', 'memory ÷'],
        rows: results.map(({ program, recorded, grafted, againstGrafted, memory }) => [
          program,
          withQuartiles(recorded),
          withQuartiles(grafted),
          withQuartiles(againstGrafted),
          number(memory),
        ]),
        notes: [
          `Geometric means: recorded ÷ plain ${mean('recorded')}, grafted ÷ plain ${mean('grafted')}.`,
          'One module, linked with dlmalloc: recorded keeps it, grafted has the runtime in its place.',
        ],
      },
    ],
    bars: [],
    data: results,
  };
}
