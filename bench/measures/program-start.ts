// The start of what `heapline cc` makes: programs, and the compiler when it has nothing to compile. Configure scripts
// and test suites start both hundreds of times. Measures whole processes side by side with a Node.js that does nothing,
// in wall time and in processor time, because this machine may be shared.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../build.ts';
import { realPrograms } from '../corpora.ts';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { type Spread, spread } from '../statistics.ts';
import { dist, node, type Sample, type Scenario, time } from './cold-start.ts';

const SMALL = '#include <stdio.h>\nint main(void) { return puts("started") < 0; }\n';
const LARGE = 'sqlite3';

interface ProgramStartResult {
  readonly name: string;
  readonly wall: Spread;
  /** Milliseconds of processor time beyond those of a Node.js that does nothing, taken in the same round. */
  readonly beyond: Spread;
}

const compiler = join(dist, 'heapline-cc.js');

async function link(arguments_: readonly string[], output: string, env: NodeJS.ProcessEnv): Promise<string> {
  await run(node, [compiler, '-O1', ...arguments_, '-o', output], env);
  return output;
}

async function scenarios(scratch: string, setting: Setting): Promise<Scenario[]> {
  const env = { HEAPLINE_CACHE: join(scratch, 'cache') };
  const source = join(scratch, 'small.c');
  const nothing = join(scratch, 'nothing.cjs');
  writeFileSync(source, SMALL);
  writeFileSync(nothing, '');
  setting.progress('program start: building');
  const small = await link([source], join(scratch, 'small'), env);
  const all: Scenario[] = [
    { name: NOTHING, command: [node, nothing] },
    { name: 'a small program', command: [small], env },
    {
      name: 'a small program, the first time',
      command: [small],
      env,
      prepare: () => rmSync(join(env.HEAPLINE_CACHE, 'code'), { recursive: true, force: true }),
    },
    { name: 'heapline-cc -c, in the cache', command: [compiler, '-c', source, '-o', `${small}.o`], env },
    { name: 'heapline-cc -E', command: [compiler, '-E', source], env },
  ];
  if (setting.quick) return all;
  const large = (await realPrograms('wasi')).find(({ name }) => name === LARGE)!;
  const program = await link([...large.flags, ...large.sources], join(scratch, 'large'), env);
  return [...all, { name: `${LARGE} with its workload`, command: [program], env }];
}

const NOTHING = 'node, nothing';

export async function measureProgramStart(setting: Setting): Promise<Outcome> {
  if (!existsSync(compiler)) throw new Error('dist/ is not built: ./build.sh');
  const scratch = mkdtempSync(join(tmpdir(), 'heapline-program-start-'));
  try {
    const all = await scenarios(scratch, setting);
    const samples = new Map<string, Sample[]>(all.map(({ name }) => [name, []]));
    // The first round fills caches.
    for (let round = -1; round < (setting.quick ? 5 : 15); round++)
      for (const scenario of all) {
        setting.progress(`program start: ${scenario.name}`);
        const sample = await time(scenario);
        if (round >= 0) samples.get(scenario.name)!.push(sample);
      }
    const nothing = samples.get(NOTHING)!;
    const results = [...samples].map(
      ([name, taken]): ProgramStartResult => ({
        name,
        wall: spread(taken.map(({ wall }) => wall)),
        beyond: spread(taken.map(({ processor }, round) => processor - nothing[round]!.processor)),
      }),
    );
    const small = results.find(({ name }) => name === 'a small program')!;
    return {
      tables: [
        {
          title: 'Start of programs of heapline cc, milliseconds',
          columns: ['what', 'wall', 'processor, beyond node'],
          rows: results.map((r) => [r.name, withQuartiles(r.wall), withQuartiles(r.beyond)]),
          notes: [
            'Whole processes: from the start of the script to the end of the check. The first time: without the code that V8 has compiled before.',
            `A small program takes ${number(small.beyond.median)} ms of processor time beyond a Node.js that does nothing.`,
          ],
        },
      ],
      bars: [
        bar(
          "start and check of a program of heapline cc, milliseconds of processor time beyond Node.js's own",
          small.beyond.median,
          100,
          'lower',
        ),
      ],
      data: results,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
