// The regression guard: `npm run bench -- --guard` compares the costs of a change with the committed guard.json and
// fails when a cost has grown by more than a stated margin. It measures values that do not depend on the machine's
// load:
//
// - exact values, the same on every run: instructions executed, linear memory at peak and size of the code, each
//   tracked ÷ plain on the same objects; the JavaScript that Node.js loads for the library and for the command.
//   They have a margin because another version of the compiler moves them a little.
// - times as ratios within this run: tracked ÷ plain side by side, and our TypeScript against a yardstick in
//   JavaScript. Only times show effects of caches and compilers. Their margin is wide, and a time that looks worse is
//   measured again.
//
// A value that is better by more than its margin asks for a new baseline: `npm run bench -- --update-guard`.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { instrument } from '../src/instrument/index.ts';
import { linkWasi, run } from './build.ts';
import { threadTime } from './clock.ts';
import { realPrograms } from './corpora.ts';
import { COUNTER, countingModule } from './counting.ts';
import { type Runnable, runnable } from './guest.ts';
import { describeVersions } from './machine.ts';
import { helping, importing, running } from './measures/cold-start.ts';
import { codeSize, measureInstrumenting } from './measures/instrumenting.ts';
import { measureSymbolising } from './measures/symbolising.ts';
import { measureProgram } from './measures/tracking.ts';
import { kernels, type Program } from './programs.ts';
import { number, printTable } from './report.ts';
import type { Setting } from './setting.ts';
import { geometricMean, spread } from './statistics.ts';

/** How much worse a value may get, as a factor. */
const EXACT_MARGIN = 1.1;
const TIMED_MARGIN = 2;
/** How often a time is measured before it counts as worse. */
const ATTEMPTS = 3;

const path = fileURLToPath(new URL('guard.json', import.meta.url));

/** Values by their descriptions. Lower is better for all of them. */
export type Values = Record<string, number>;

interface Baseline {
  /** The versions of the tools that made the baseline. Where they differ, the values may differ, too. */
  readonly versions: Readonly<Record<string, string>>;
  readonly exact: Readonly<Values>;
  readonly timed: Readonly<Values>;
}

const rounded = (values: Readonly<Values>): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(4))]));

/** The compiler makes the code that is counted; V8 runs it. */
async function versionsThatMatter(): Promise<Record<string, string>> {
  const { clang = 'missing', 'wasi-libc': libc = 'missing', v8 = '' } = await describeVersions();
  return { clang, 'wasi-libc': libc, v8 };
}

/** Builds the programs that the guard runs, two at a time. On a clean clone this is most of its work. */
async function buildAll(programs: readonly Program[]): Promise<void> {
  const left = [...programs];
  const worker = async (): Promise<void> => {
    for (let program = left.shift(); program; program = left.shift()) {
      await linkWasi(program, 'dlmalloc');
      await linkWasi(program, 'heapline');
    }
  };
  await Promise.all([worker(), worker()]);
}

/** One run of a module that counts. Throws when counting changed the result of the program. */
function execute(module: Runnable, program: Program): { checksum: number; count: number; memory: number } {
  const guest = module.open();
  const checksum = guest.run(program.scale);
  const counter = guest.instance.exports[COUNTER] as WebAssembly.Global;
  return { checksum, count: Number(counter.value), memory: guest.memory.buffer.byteLength };
}

async function measureExact(programs: readonly Program[], setting: Setting): Promise<Values> {
  const values: Values = {};
  for (const program of programs) {
    setting.progress(`${program.name}, counting`);
    const plain = await linkWasi(program, 'dlmalloc');
    const linked = await linkWasi(program, 'heapline');
    const original = readFileSync(linked.path);
    const instrumented = instrument(original).bytes;
    const counts = (bytes: Uint8Array): ReturnType<typeof execute> =>
      execute(runnable(countingModule(bytes), plain, program.entry), program);
    const ours = counts(instrumented);
    const theirs = counts(readFileSync(plain.path));
    if (ours.checksum !== theirs.checksum)
      throw new Error(`${program.name} computed ${ours.checksum} tracked, ${theirs.checksum} plain`);
    values[`instructions, tracked ÷ plain: ${program.name}`] = ours.count / theirs.count;
    values[`linear memory at peak, tracked ÷ plain: ${program.name}`] = ours.memory / theirs.memory;
    if (program.role === 'real')
      values[`code after ÷ before instrumenting: ${program.name}`] =
        codeSize(instrumented) / codeSize(original);
  }
  return values;
}

/** Bytes of JavaScript in the files that a command makes Node.js load. */
async function loadedCode(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'heapline-guard-'));
  try {
    await run(command[0]!, command.slice(1), { ...env, NODE_V8_COVERAGE: folder });
    const files = new Set<string>();
    for (const report of readdirSync(folder)) {
      const { result } = JSON.parse(readFileSync(join(folder, report), 'utf8')) as {
        result: readonly { url: string }[];
      };
      for (const { url } of result) if (/^file:.*js$/.test(url)) files.add(fileURLToPath(url));
    }
    return [...files].reduce((bytes, file) => bytes + statSync(file).size, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureLoading(setting: Setting): Promise<Values> {
  setting.progress('JavaScript that is loaded');
  const cache = mkdtempSync(join(tmpdir(), 'heapline-guard-cache-'));
  try {
    const env = { HEAPLINE_CACHE: cache };
    await run(running('clang')[0]!, running('clang').slice(1), env);
    return {
      "kB of JavaScript loaded: import 'heapline'": (await loadedCode(importing)) / 1e3,
      'kB of JavaScript loaded: heapline --help': (await loadedCode(helping)) / 1e3,
      'kB of JavaScript loaded: heapline run, cached': (await loadedCode(running('clang'), env)) / 1e3,
    };
  } finally {
    rmSync(cache, { recursive: true });
  }
}

/** Nanoseconds of FNV-1a over the bytes in JavaScript: the yardstick for a pass over a module. */
function yardstick(bytes: Uint8Array): number {
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    const start = threadTime();
    let sum = 2166136261;
    for (const byte of bytes) sum = Math.imul(sum ^ byte, 16777619);
    times.push(threadTime() - start);
    if (sum === 0) throw new Error('FNV-1a of a module is never 0');
  }
  return spread(times.slice(2)).median;
}

const TIMED_MODULE = 'sqlite3';

async function measureTimed(programs: readonly Program[], setting: Setting): Promise<Values> {
  const ratios: number[] = [];
  const values: Values = {};
  for (const program of programs) {
    if (program.role !== 'real' && program.role !== 'churn') continue;
    setting.progress(`${program.name}, timing`);
    const { ratio } = await measureProgram(program, 'wasi', setting);
    if (program.role === 'real') ratios.push(ratio.median);
    else values[`time, tracked ÷ plain: ${program.name}`] = ratio.median;
  }
  values['time, tracked ÷ plain: real programs, geometric mean'] = geometricMean(ratios);

  const program = programs.find((p) => p.name === TIMED_MODULE)!;
  const unit = yardstick(readFileSync((await linkWasi(program, 'heapline')).path));
  const alone: Setting = { ...setting, wants: (name) => name === TIMED_MODULE };
  for (const [says, measure] of [
    ['instrumenting', measureInstrumenting],
    ['5,000 symbolications', measureSymbolising],
  ] as const) {
    const [result] = (await measure(alone)).data as [{ warm: { median: number } }];
    values[`time, ${says} ÷ hashing the module: ${TIMED_MODULE}`] = result.warm.median / unit;
  }
  return values;
}

/** Measures the times again while one is worse than its baseline allows. The best of each counts. */
async function measureTimedPatiently(
  programs: readonly Program[],
  setting: Setting,
  baseline: Readonly<Values>,
): Promise<Values> {
  const best = await measureTimed(programs, setting);
  const worse = (): boolean =>
    Object.entries(best).some(([name, value]) => value > (baseline[name] ?? value) * TIMED_MARGIN);
  for (let attempt = 1; attempt < ATTEMPTS && worse(); attempt++)
    for (const [name, value] of Object.entries(await measureTimed(programs, setting)))
      best[name] = Math.min(best[name]!, value);
  return best;
}

export type Verdict = 'yes' | 'NO' | 'better' | 'unknown' | 'gone';

export interface Judgement {
  readonly name: string;
  readonly before: number | undefined;
  readonly now: number | undefined;
  readonly margin: number;
  readonly verdict: Verdict;
}

/** Compares values with their baseline, and names values that only one of them has. */
export function judge(before: Readonly<Values>, now: Readonly<Values>, margin: number): Judgement[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].map((name) => {
    const was = before[name];
    const is = now[name];
    let verdict: Verdict = 'yes';
    if (was === undefined) verdict = 'unknown';
    else if (is === undefined) verdict = 'gone';
    else if (is > was * margin) verdict = 'NO';
    else if (is < was / margin) verdict = 'better';
    return { name, before: was, now: is, margin, verdict };
  });
}

const shown = (value: number | undefined): string => (value === undefined ? '–' : number(value));

function report(judgements: readonly Judgement[]): void {
  printTable({
    title: 'Guard',
    columns: ['value', 'baseline', 'now', 'now ÷ baseline', 'may be', 'ok'],
    rows: judgements.map(({ name, before, now, margin, verdict }) => [
      name,
      shown(before),
      shown(now),
      before === undefined || now === undefined ? '–' : (now / before).toFixed(3),
      `≤ ${margin.toFixed(2)}`,
      verdict,
    ]),
    notes: [],
  });
}

async function buildPrograms(setting: Setting): Promise<readonly Program[]> {
  const programs = [...(await realPrograms('wasi')), ...kernels];
  setting.progress('building');
  await buildAll(programs);
  return programs;
}

const exactValues = async (programs: readonly Program[], setting: Setting): Promise<Values> => ({
  ...(await measureExact(programs, setting)),
  ...(await measureLoading(setting)),
});

/** Writes guard.json. */
export async function updateGuard(setting: Setting): Promise<void> {
  const programs = await buildPrograms(setting);
  const exact = rounded(await exactValues(programs, setting));
  const timed = rounded(await measureTimed(programs, setting));
  const baseline: Baseline = { versions: await versionsThatMatter(), exact, timed };
  writeFileSync(path, `${JSON.stringify(baseline, null, 2)}\n`);
  console.log(`wrote ${path}`);
}

/** The exact values can be measured while the machine does other work, and the times cannot. */
export const GUARD_PARTS = ['all', 'exact', 'timed'] as const;
export type GuardPart = (typeof GUARD_PARTS)[number];

/** Compares a part of the values with guard.json. Returns the exit code: 1 when something has become worse. */
export async function guard(setting: Setting, part: GuardPart): Promise<number> {
  const programs = await buildPrograms(setting);
  const versions = await versionsThatMatter();
  const baseline = JSON.parse(readFileSync(path, 'utf8')) as Baseline;
  const judgements: Judgement[] = [];
  if (part !== 'timed')
    judgements.push(...judge(baseline.exact, await exactValues(programs, setting), EXACT_MARGIN));
  if (part !== 'exact') {
    const timed = await measureTimedPatiently(programs, setting, baseline.timed);
    judgements.push(...judge(baseline.timed, timed, TIMED_MARGIN));
  }
  report(judgements);
  const having = (...verdicts: Verdict[]): boolean => judgements.some((j) => verdicts.includes(j.verdict));
  if (having('better'))
    console.log(
      'Some values are better than the baseline by more than the margin. To write a new one: npm run bench -- --update-guard',
    );
  if (having('unknown', 'gone'))
    console.error('guard.json has another set of values: npm run bench -- --update-guard');
  if (having('NO')) {
    console.error('Some values are worse than the baseline by more than the margin.');
    for (const [name, version] of Object.entries(versions))
      if (baseline.versions[name] !== version)
        console.error(`The baseline was taken with ${name} ${baseline.versions[name]}, this is ${version}.`);
  }
  return having('NO', 'unknown', 'gone') ? 1 : 0;
}
