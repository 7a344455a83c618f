// Cold start: the time that a person waits. Measures whole processes in wall time, and their processor time as well,
// because this machine may be shared: Node.js without the library, the library's import, the command, and `heapline
// run` of a small file with each toolchain, for the first time, after an edit, and again. Inside a process: from load
// to the first profile.
//
// Measures the built library (dist/), not the sources, because a loader for TypeScript would take longer than the
// rest.
import { execFile } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { version } from '../build.ts';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { type Spread, spread } from '../statistics.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
export const dist = join(root, 'dist');
const example = join(root, 'examples', 'leaky.c');
export const node = process.execPath;

export interface Sample {
  /** Milliseconds. */
  readonly wall: number;
  readonly processor: number;
}

export interface Scenario {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before each sample and is not counted. */
  readonly prepare?: () => void;
  /** True for measurements that compile, which takes seconds: they have fewer rounds. */
  readonly slow?: boolean;
}

interface ColdStartResult {
  readonly name: string;
  readonly wall: Spread;
  readonly processor: Spread;
}

/**
 * Runs a command to its end. The shell waits for all processes that the command started and tells their processor
 * time.
 */
export async function time({ command, env, prepare }: Scenario): Promise<Sample> {
  prepare?.();
  const { stderr } = await execute(
    'bash',
    ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1', 'time', ...command],
    { cwd: root, env: { ...process.env, ...env } },
  );
  const [wall, user, system] = stderr.trim().split(' ').map(Number);
  return { wall: wall! * 1e3, processor: (user! + system!) * 1e3 };
}

const inNode = (code: string): readonly string[] => [node, '--input-type=module', '-e', code];
const heapline = (...args: readonly string[]): readonly string[] => [node, join(dist, 'cli.js'), ...args];

/** Imports the library and does nothing with it. */
export const importing: readonly string[] = inNode(`import '${join(dist, 'index.js')}'`);
export const helping: readonly string[] = heapline('--help');
export const running = (toolchain: string, source: string = example): readonly string[] =>
  heapline('run', '--toolchain', toolchain, '--no-pprof', source);

function scenarios(scratch: string, toolchains: readonly string[]): Scenario[] {
  const all: Scenario[] = [
    { name: 'node, nothing', command: inNode('0') },
    { name: "import 'heapline'", command: importing },
    { name: 'heapline --help', command: helping },
  ];
  for (const toolchain of toolchains) {
    const source = join(scratch, `${toolchain}.c`);
    copyFileSync(example, source);
    const cache = join(scratch, toolchain);
    const run = {
      command: running(toolchain, source),
      env: { HEAPLINE_CACHE: cache },
    };
    const forget = (): void => rmSync(cache, { recursive: true, force: true });
    const edit = (): void => appendFileSync(source, '// edited\n');
    all.push(
      { ...run, name: `run, ${toolchain}, first time`, slow: true, prepare: forget },
      { ...run, name: `run, ${toolchain}, after an edit`, slow: true, prepare: edit },
      { ...run, name: `run, ${toolchain}, again` },
    );
  }
  return all;
}

const FIRST_PROFILE = `
  import { loadC } from ${JSON.stringify(join(dist, 'index.js'))};
  const start = performance.now();
  const lib = await loadC(process.argv[1], { toolchain: process.argv[2], onStdout() {} });
  const loaded = performance.now();
  lib.run();
  lib.heap.profile().encode();
  console.log(loaded - start, performance.now() - start);`;

/** Milliseconds from the call of loadC() to a sandbox, and to the bytes of the first profile; with a full cache. */
async function firstProfile(toolchain: string, scratch: string): Promise<[load: number, profile: number]> {
  const { stdout } = await execute(node, [...inNode(FIRST_PROFILE).slice(1), example, toolchain], {
    cwd: root,
    env: { ...process.env, HEAPLINE_CACHE: join(scratch, toolchain) },
  });
  const [load, profile] = stdout.trim().split('\n').at(-1)!.split(' ').map(Number);
  return [load!, profile!];
}

export async function measureColdStart(setting: Setting): Promise<Outcome> {
  if (!existsSync(dist)) throw new Error('dist/ is not built: ./build.sh');
  const scratch = mkdtempSync(join(tmpdir(), 'heapline-cold-start-'));
  try {
    const toolchains = ['embedded'];
    if (await version('clang')) toolchains.push('clang');
    if (await version('emcc')) toolchains.push('emscripten');
    const samples = new Map<string, Sample[]>();
    const rounds = setting.quick ? { fast: 3, slow: 1 } : { fast: 15, slow: 5 };
    const all = scenarios(scratch, toolchains);
    for (let round = 0; round < rounds.fast; round++)
      for (const scenario of all) {
        if (scenario.slow && round >= rounds.slow) continue;
        setting.progress(`cold start: ${scenario.name}`);
        samples.set(scenario.name, [...(samples.get(scenario.name) ?? []), await time(scenario)]);
      }
    const results = [...samples].map(
      ([name, taken]): ColdStartResult => ({
        name,
        wall: spread(taken.map((s) => s.wall)),
        processor: spread(taken.map((s) => s.processor)),
      }),
    );
    const toolchain = toolchains.at(-1)!;
    const firsts: [number, number][] = [];
    await firstProfile(toolchain, scratch);
    for (let round = 0; round < rounds.fast; round++) firsts.push(await firstProfile(toolchain, scratch));
    const load = spread(firsts.map(([ms]) => ms));
    const profile = spread(firsts.map(([, ms]) => ms));
    const again = results.filter((r) => r.name.endsWith(', again'));
    return {
      tables: [
        {
          title: 'Cold start of whole processes, milliseconds',
          columns: ['what', 'wall', 'processor'],
          rows: results.map((r) => [r.name, withQuartiles(r.wall), withQuartiles(r.processor)]),
          notes: [
            'run: `heapline run examples/leaky.c`. First time: with an empty cache; again: with a full one, no compiler starts.',
            'Processor time counts all threads and processes, so it may be above the time on the wall.',
            `In the process, cached, ${toolchain}: loadC() ${number(load.median)} ms, to the bytes of the first profile ${number(profile.median)} ms.`,
            'The embedded compiler is 75 MB of WebAssembly, which V8 compiles anew in every process as far as it is used.',
          ],
        },
      ],
      bars: [
        bar(
          'heapline run of a small file that is cached, milliseconds of processor time, worst toolchain',
          Math.max(...again.map((r) => r.processor.median)),
          300,
          'lower',
        ),
      ],
      data: { processes: results, load, profile },
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
