// Many sandboxes of one module in one process (sandboxes-target.ts): how long a profile of all of them takes, how
// long it blocks the event loop, and how much memory remains when they are gone. Each round has a process of its own,
// because the first profile reads the symbols.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { SandboxesSample } from '../sandboxes-target.ts';
import type { Setting } from '../setting.ts';
import { type Spread, spread } from '../statistics.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const target = fileURLToPath(new URL('../sandboxes-target.ts', import.meta.url));

const SANDBOXES = 1000;
const CONTEXTS = 40;

async function sampleOf(): Promise<SandboxesSample> {
  const args = ['--expose-gc', '--import', 'tsx', target, String(SANDBOXES)];
  const { stdout } = await execute(process.execPath, args, { cwd: root });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as SandboxesSample;
}

export async function measureSandboxes(setting: Setting): Promise<Outcome> {
  const samples: SandboxesSample[] = [];
  for (let round = 0; round < (setting.quick ? 2 : 7); round++) {
    setting.progress(`${number(SANDBOXES)} sandboxes: round ${round + 1}`);
    samples.push(await sampleOf());
  }
  const first = samples.map(({ profiles }) => profiles[0]!);
  const later = samples.flatMap(({ profiles }) => profiles.slice(1));
  const row = (name: string, values: readonly number[]): string[] => [name, withQuartiles(spread(values))];
  const memory = (key: keyof SandboxesSample['resident']): Spread =>
    spread(samples.map(({ resident }) => resident[key] / 2 ** 20));
  const held = spread([...first, ...later].map((each) => each.held));
  const wall = {
    first: spread(first.map((each) => each.wall)),
    later: spread(later.map((each) => each.wall)),
  };
  return {
    tables: [
      {
        title: `${number(SANDBOXES)} sandboxes of one module, ${CONTEXTS} contexts each`,
        columns: ['what', 'measured'],
        rows: [
          row(
            'first profile, ms',
            first.map((each) => each.wall),
          ),
          row(
            'first profile, ms of processor time',
            first.map((each) => each.processor),
          ),
          row(
            'later profiles, ms',
            later.map((each) => each.wall),
          ),
          row(
            'later profiles, ms of processor time',
            later.map((each) => each.processor),
          ),
          ['longest hold-up of the event loop, ms of processor time', withQuartiles(held)],
          ['resident before, MiB', withQuartiles(memory('before'))],
          ['resident with all of them open', withQuartiles(memory('open'))],
          ['resident after the profiles', withQuartiles(memory('profiled'))],
          ['resident 3 s after they were disposed of', withQuartiles(memory('disposed'))],
          ['resident after a collection then', withQuartiles(memory('collected'))],
        ],
        notes: [
          '/debug/pprof/heap, gzipped. Times on the wall count other programs, and the compressing thread.',
          'V8’s collector frees linear memories. Nobody asks it to run during the 3 s.',
        ],
      },
    ],
    bars: [
      bar(
        'first profile of 1,000 sandboxes of one module, seconds',
        wall.first.median / 1e3,
        0.5,
        'lower',
        0.15,
      ),
      bar('later profiles of 1,000 sandboxes, seconds', wall.later.median / 1e3, 0.3, 'lower'),
      bar(
        'longest hold-up of the event loop by such a profile, ms of processor time',
        Math.max(...[...first, ...later].map((each) => each.held)),
        50,
        'lower',
      ),
    ],
    data: samples,
  };
}
