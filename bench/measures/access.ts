// Access checks: real programs with everything on (tracking, redzones, quarantine, checks) against plain ones, in this
// version of Node.js and in the newest one. Beside them AddressSanitizer, natively and Emscripten's, and how fast the pass
// is. Each version of Node.js measures in processes of its own (access-target.ts, pass-target.ts).

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AccessSample } from '../access-target.ts';
import { linkEmscripten, linkNative, linkWasi, type Target, targets, version } from '../build.ts';
import { realPrograms } from '../corpora.ts';
import { runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { addressSanitizer, plainGlibc, runOnce } from '../peers/native.ts';
import type { Program } from '../programs.ts';
import { type Bar, bar, mebibytes, number, type Outcome, type Table, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, ratioSpread, type Spread, spread } from '../statistics.ts';

const execute = promisify(execFile);
const target = fileURLToPath(new URL('../access-target.ts', import.meta.url));
const passTarget = fileURLToPath(new URL('../pass-target.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** One program in one version of Node.js. */
export interface AccessResult {
  readonly program: string;
  readonly node: string;
  readonly tracked: Spread;
  readonly checked: Spread;
  readonly plainMemory: number;
  readonly checkedMemory: number;
  readonly growth: number;
}

/** The same program under AddressSanitizer. Where it is not installed or does not run, the result is the reason. */
export interface SanitizerResult {
  readonly program: string;
  readonly native: number | string;
  readonly emscripten: Spread | string;
}

/** How fast the pass is in one version of Node.js, in MB of code a second. */
export interface PassResult {
  readonly node: string;
  readonly speed: Spread;
}

/** What results.json keeps of this measurement. */
export interface AccessData {
  readonly results: readonly AccessResult[];
  readonly sanitizers: readonly SanitizerResult[];
  readonly pass: readonly PassResult[];
}

/** The versions of Node.js that measure, and why the newest one is not among them; null when it is. */
interface Nodes {
  readonly paths: readonly string[];
  readonly missing: string | null;
}

/** This Node.js, and the newest one that npm has. */
async function nodes(): Promise<Nodes> {
  const asked = ['exec', '--yes', '--package=node@latest', '--', 'node', '-p', 'process.execPath'];
  const newest = await orReason('npm', async () =>
    (await execute('npm', asked, { cwd: root })).stdout.trim(),
  );
  return existsSync(newest)
    ? { paths: [...new Set([process.execPath, newest])], missing: null }
    : { paths: [process.execPath], missing: `The newest Node.js: ${newest}` };
}

async function measureIn(node: string, program: Program, setting: Setting): Promise<AccessResult> {
  const rounds = setting.quick ? ['9', '8'] : ['31', '16'];
  const args = ['--import', 'tsx', target, program.name, ...rounds];
  const { stdout } = await execute(node, args, { cwd: root, maxBuffer: 2 ** 24 });
  const { node: measured, samples, code } = JSON.parse(stdout) as AccessSample;
  const [plain, tracked, checked] = samples;
  return {
    program: program.name,
    node: measured,
    tracked: ratioSpread(tracked!.times, plain!.times),
    checked: ratioSpread(checked!.times, plain!.times),
    plainMemory: plain!.memory,
    checkedMemory: checked!.memory,
    growth: code[1] / code[0],
  };
}

async function underSanitizers(name: string, setting: Setting): Promise<SanitizerResult> {
  return {
    program: name,
    native: await orReason('gcc', async () => natively(await programOf(name, 'native'), setting)),
    emscripten: await orReason('emcc', async () =>
      inEmscripten(await programOf(name, 'emscripten'), setting),
    ),
  };
}

/** What `measure` gives, or why it gives nothing: a tool may find a fault in the program itself. */
async function orReason<T>(compiler: string, measure: () => Promise<T>): Promise<T | string> {
  if (!(await version(compiler))) return `${compiler} is not installed`;
  try {
    return await measure();
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return `${message.split('\n')[0]} ${stderr}`.trim().slice(0, 400);
  }
}

async function programOf(name: string, toolchain: Target['name']): Promise<Program> {
  return (await realPrograms(toolchain)).find((each) => each.name === name)!;
}

async function natively(program: Program, setting: Setting): Promise<number> {
  const plain = await linkNative(program);
  const sanitized = await linkNative(program, targets['native-asan']);
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < (setting.quick ? 3 : 9); round += 1) {
    times[0].push((await runOnce(plainGlibc, plain, program.scale)).nanoseconds);
    times[1].push((await runOnce(addressSanitizer, sanitized, program.scale)).nanoseconds);
  }
  return spread(times[1]).median / spread(times[0]).median;
}

async function inEmscripten(program: Program, setting: Setting): Promise<Spread> {
  const plain = await linkEmscripten(program, 'dlmalloc');
  const sanitized = await linkEmscripten(program, 'dlmalloc', {
    name: 'em-asan',
    target: targets['emscripten-asan'],
    flags: ['-fsanitize=address', '-sINITIAL_MEMORY=1GB'],
  });
  const [first, second] = await interleave(
    new Map([
      ['plain', runnable(readFileSync(plain.path), plain, program.entry)],
      ['sanitized', runnable(readFileSync(sanitized.path), sanitized, program.entry)],
    ]),
    // Some of these programs take minutes.
    { rounds: setting.quick ? 3 : 5, maximalWarmUp: 1, scale: program.scale },
  );
  return ratioSpread(second!.times, first!.times);
}

async function passIn(node: string, program: Program, setting: Setting): Promise<PassResult> {
  const { path } = await linkWasi(program, 'heapline');
  const args = ['--import', 'tsx', passTarget, path, setting.quick ? '6' : '60'];
  const { stdout } = await execute(node, args, { cwd: root });
  return JSON.parse(stdout) as PassResult;
}

function table(
  results: readonly AccessResult[],
  sanitizers: readonly SanitizerResult[],
  missing: string | null,
): Table {
  const versions = [...new Set(results.map(({ node }) => node))];
  const programs = [...new Set(results.map(({ program }) => program))];
  const of = (program: string, node: string) =>
    results.find((each) => each.program === program && each.node === node)!;
  return {
    title: 'Access checks: everything on, against plain',
    columns: [
      'program',
      ...versions.flatMap((node) => [`tracked ÷ plain, Node.js ${node}`, `checked ÷ plain, Node.js ${node}`]),
      'AddressSanitizer ÷ plain, gcc',
      "AddressSanitizer ÷ plain, Emscripten's",
      'code ×',
      'plain MiB',
      'checked MiB',
    ],
    rows: programs.map((program) => {
      const sanitizer = sanitizers.find((each) => each.program === program)!;
      const { growth, plainMemory, checkedMemory } = of(program, versions[0]!);
      return [
        program,
        ...versions.flatMap((node) => [
          number(of(program, node).tracked.median),
          withQuartiles(of(program, node).checked),
        ]),
        typeof sanitizer.native === 'string' ? '–' : number(sanitizer.native),
        typeof sanitizer.emscripten === 'string' ? '–' : withQuartiles(sanitizer.emscripten),
        number(growth),
        mebibytes(plainMemory),
        mebibytes(checkedMemory),
      ];
    }),
    notes: [
      'checked: calls are tracked, blocks have redzones, freed blocks wait in a quarantine of 256 KiB, and each access is checked that is not known to be right.',
      'checked MiB has the shadow, of which only the part is touched that belongs to used memory.',
      "AddressSanitizer checks the stack and global variables as well. Emscripten's captures the engine's stack at each allocation.",
      ...missingOf(sanitizers),
      ...(missing === null ? [] : [missing]),
    ],
  };
}

/** Why AddressSanitizer has no figure, each reason once. */
function missingOf(sanitizers: readonly SanitizerResult[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { program, native, emscripten } of sanitizers) {
    for (const reason of [native, emscripten]) {
      if (typeof reason === 'string') reasons.set(reason, [...(reasons.get(reason) ?? []), program]);
    }
  }
  return [...reasons].map(([reason, programs]) => `–, ${programs.join(', ')}: ${reason}`);
}

function barsOf(results: readonly AccessResult[], pass: readonly PassResult[]): Bar[] {
  const bars: Bar[] = [];
  for (const node of new Set(results.map((each) => each.node))) {
    const ratios = results.filter((each) => each.node === node).map(({ checked }) => checked.median);
    const isNew = Number.parseInt(node, 10) >= 26;
    const name = `access checks, everything on ÷ plain, Node.js ${node}`;
    bars.push(
      bar(`${name}, geometric mean`, geometricMean(ratios), isNew ? 1.6 : 1.7, 'lower'),
      bar(`${name}, worst program`, Math.max(...ratios), 2.1, 'lower'),
    );
  }
  const growth = Math.max(...results.map((each) => each.growth));
  bars.push(bar('access checks, code with checks ÷ code, worst program', growth, 2.2, 'lower'));
  for (const { node, speed } of pass) {
    bars.push(
      bar(`access checks, MB of code per second (sqlite3), Node.js ${node}`, speed.median, 10, 'higher'),
    );
  }
  return bars;
}

export async function measureAccess(setting: Setting): Promise<Outcome> {
  const all = await realPrograms('wasi');
  const programs = all.filter(({ name }) => setting.wants(name));
  const results: AccessResult[] = [];
  const sanitizers: SanitizerResult[] = [];
  const { paths, missing } = await nodes();
  for (const program of programs) {
    for (const node of paths) {
      setting.progress(`${program.name}, access checks`);
      results.push(await measureIn(node, program, setting));
    }
    setting.progress(`${program.name}, AddressSanitizer`);
    sanitizers.push(await underSanitizers(program.name, setting));
  }
  const largest = all.find(({ name }) => name === 'sqlite3')!;
  const pass: PassResult[] = [];
  for (const node of paths) {
    setting.progress('how fast the pass is');
    pass.push(await passIn(node, largest, setting));
  }
  return {
    tables: results.length === 0 ? [] : [table(results, sanitizers, missing)],
    bars: results.length === 0 ? [] : barsOf(results, pass),
    data: { results, sanitizers, pass } satisfies AccessData,
  };
}
