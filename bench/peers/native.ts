// The native tools, on the native build of the same C. Each run is a process of its own that warms up and then
// measures the processor time of the program's entry itself, so start-up and the writing of reports cost a peer
// nothing.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Artifact, linkNative, outFolder, targets, version } from '../build.ts';
import { realPrograms } from '../corpora.ts';
import type { TrackingResult } from '../measures/tracking.ts';
import { comparedKernels, kernels, type Program } from '../programs.ts';
import { bar, number, type Outcome } from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, spread } from '../statistics.ts';

const execute = promisify(execFile);
const libraries = '/usr/lib/x86_64-linux-gnu/';

/** The information that a tool gives its user, according to its documentation. */
export interface Delivers {
  readonly allocations: string;
  readonly stacks: string;
  readonly lines: string;
  readonly inlines: string;
  readonly pprof: string;
}

export interface Peer {
  readonly name: string;
  /** The command line before the executable. */
  readonly prefix: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly sanitized: boolean;
  readonly available: () => Promise<boolean>;
  readonly delivers: Delivers;
}

export const everything: Delivers = {
  allocations: 'all',
  stacks: 'full',
  lines: 'yes',
  inlines: 'yes',
  pprof: 'no',
};
const valgrind = async (): Promise<boolean> => (await version('valgrind')) !== '';
const library = (name: string) => async (): Promise<boolean> => existsSync(libraries + name);

export const plainGlibc: Peer = {
  name: 'plain glibc',
  prefix: [],
  env: {},
  sanitized: false,
  available: async () => true,
  delivers: { allocations: '–', stacks: '–', lines: '–', inlines: '–', pprof: '–' },
};

/** AddressSanitizer without its leak check. */
export const addressSanitizer: Peer = {
  ...plainGlibc,
  name: 'AddressSanitizer',
  env: { ASAN_OPTIONS: 'detect_leaks=0' },
  sanitized: true,
};

export const peers: readonly Peer[] = [
  {
    name: 'heaptrack',
    prefix: ['heaptrack', '--output', `${outFolder}heaptrack`],
    env: {},
    sanitized: false,
    available: async () => (await version('heaptrack')) !== '',
    delivers: everything,
  },
  {
    name: 'Valgrind memcheck',
    prefix: ['valgrind', '-q', '--tool=memcheck', '--leak-check=full'],
    env: {},
    sanitized: false,
    available: valgrind,
    delivers: { ...everything, allocations: 'leaks only', stacks: '12 frames' },
  },
  {
    name: 'Valgrind massif',
    prefix: ['valgrind', '-q', '--tool=massif', `--massif-out-file=${outFolder}massif.out`],
    env: {},
    sanitized: false,
    available: valgrind,
    delivers: { ...everything, stacks: '30 frames', inlines: 'no' },
  },
  {
    name: 'Valgrind DHAT',
    prefix: ['valgrind', '-q', '--tool=dhat', `--dhat-out-file=${outFolder}dhat.out`],
    env: {},
    sanitized: false,
    available: valgrind,
    delivers: { ...everything, stacks: '12 frames' },
  },
  {
    name: 'AddressSanitizer + LSan',
    prefix: [],
    env: { ASAN_OPTIONS: 'detect_leaks=1' },
    sanitized: true,
    available: async () => (await version('gcc')) !== '',
    delivers: { ...everything, allocations: 'leaks only', stacks: '30 frames' },
  },
  {
    name: 'gperftools',
    prefix: [],
    env: {
      LD_PRELOAD: `${libraries}libtcmalloc.so.4`,
      HEAPPROFILE: `${outFolder}gperftools`,
      HEAP_PROFILE_ALLOCATION_INTERVAL: '0',
      HEAP_PROFILE_INUSE_INTERVAL: '0',
    },
    sanitized: false,
    available: library('libtcmalloc.so.4'),
    delivers: { ...everything, stacks: '32 frames', pprof: 'yes' },
  },
  {
    name: 'jemalloc, every allocation',
    prefix: [],
    env: {
      LD_PRELOAD: `${libraries}libjemalloc.so.2`,
      MALLOC_CONF: `prof:true,lg_prof_sample:0,prof_prefix:${outFolder}jemalloc`,
    },
    sanitized: false,
    available: jemallocCanProfile,
    delivers: { ...everything, stacks: '128 frames', pprof: 'yes' },
  },
];

/**
 * Distributions build jemalloc with or without its profiler. Without it, jemalloc calls `prof` an invalid setting.
 */
async function jemallocCanProfile(): Promise<boolean> {
  if (!existsSync(`${libraries}libjemalloc.so.2`)) return false;
  const { stderr } = await execute('sh', ['-c', 'ls / >/dev/null'], {
    env: { ...process.env, LD_PRELOAD: `${libraries}libjemalloc.so.2`, MALLOC_CONF: 'prof:true' },
  });
  return !stderr.includes('Invalid conf');
}

export interface NativeSample {
  readonly nanoseconds: number;
  readonly checksum: number;
  readonly peak: number;
}

/** Runs a program once under a tool. */
export async function runOnce(peer: Peer, artifact: Artifact, scale: number): Promise<NativeSample> {
  const [command, ...args] = [...peer.prefix, artifact.path, String(scale), '1'];
  const { stdout } = await execute(command!, args, {
    env: { ...process.env, ...peer.env },
    maxBuffer: 64 << 20,
    cwd: outFolder,
  });
  const timed = /^sample (\d+) (-?\d+)$/m.exec(stdout);
  const peak = /^peak (\d+)$/m.exec(stdout);
  if (!timed || !peak)
    throw new Error(`${peer.name}: ${artifact.path} printed no sample: ${stdout.slice(0, 400)}`);
  return { nanoseconds: Number(timed[1]), checksum: Number(timed[2]), peak: Number(peak[1]) };
}

export interface NativeResult {
  readonly program: string;
  readonly scale: number;
  readonly peer: string;
  readonly nanoseconds: number;
  readonly ratio: number;
  readonly peak: number;
}

/** The scale is smaller than in wasm, because the slow tools cost a hundredfold. The scale of trees is a depth. */
const nativeScale = (program: Program, quick: boolean): number =>
  program.name === 'trees' ? program.scale : Math.max(1, Math.round(program.scale / (quick ? 8 : 4)));

/** Rounds of a full run, and the wall time in milliseconds after which a tool runs no further round of a program. */
const ROUNDS = 3;
const PATIENCE = 10_000;

export async function measureNative(setting: Setting, tracking: readonly TrackingResult[]): Promise<Outcome> {
  if (!(await version('gcc'))) return { tables: [], bars: [], data: 'gcc is missing' };
  const taking: Peer[] = [];
  const missing: string[] = [];
  for (const peer of peers) {
    if (await peer.available()) taking.push(peer);
    else missing.push(peer.name);
  }
  const programs = (setting.quick ? comparedKernels : [...kernels, ...(await realPrograms('native'))]).filter(
    (p) => setting.wants(p.name),
  );
  const results: NativeResult[] = [];
  const failed = new Map<Peer, string>();
  for (const program of programs) {
    setting.progress(`${program.name}, native peers`);
    const ordinary = await linkNative(program);
    const sanitized = await linkNative(program, targets['native-asan']);
    const scale = nativeScale(program, setting.quick);
    const times = new Map<string, NativeSample[]>();
    const spent = new Map<string, number>();
    for (let round = 0; round < (setting.quick ? 1 : ROUNDS); round++)
      for (const peer of [plainGlibc, ...taking]) {
        if (failed.has(peer) || (spent.get(peer.name) ?? 0) > PATIENCE) continue;
        const begin = performance.now();
        let one: NativeSample;
        try {
          one = await runOnce(peer, peer.sanitized ? sanitized : ordinary, scale);
        } catch (error) {
          if (peer === plainGlibc) throw error;
          failed.set(peer, `${peer.name} is left out: it failed on ${program.name}.`);
          console.error(error);
          continue;
        }
        spent.set(peer.name, (spent.get(peer.name) ?? 0) + performance.now() - begin);
        times.set(peer.name, [...(times.get(peer.name) ?? []), one]);
      }
    const expected = times.get(plainGlibc.name)![0]!.checksum;
    const plain = spread(times.get(plainGlibc.name)!.map((s) => s.nanoseconds)).median;
    for (const [peer, samples] of times) {
      if (samples.some((s) => s.checksum !== expected))
        throw new Error(`${program.name} under ${peer}: another checksum than plain`);
      const nanoseconds = spread(samples.map((s) => s.nanoseconds)).median;
      const peak = Math.max(...samples.map((s) => s.peak));
      results.push({ program: program.name, scale, peer, nanoseconds, ratio: nanoseconds / plain, peak });
    }
  }
  return report(
    results,
    taking.filter((peer) => !failed.has(peer)),
    [
      ...failed.values(),
      ...(missing.length > 0 ? [`Not installed here: ${missing.join(', ')} (bench/install-peers.sh).`] : []),
    ],
    tracking,
  );
}

function report(
  results: readonly NativeResult[],
  taking: readonly Peer[],
  notes: readonly string[],
  tracking: readonly TrackingResult[],
): Outcome {
  const programs = [...new Set(results.map((r) => r.program))];
  const inToolchain = (name: string, toolchain: TrackingResult['toolchain']): TrackingResult | undefined =>
    tracking.find((t) => t.program === name && t.toolchain === toolchain);
  // Not every toolchain builds every program.
  const ours = programs.flatMap((name) => inToolchain(name, 'wasi') ?? inToolchain(name, 'emscripten') ?? []);
  const complete = ours.length > 0 && ours.length === programs.length;
  const oursMean = complete ? geometricMean(ours.map((t) => t.ratio.median)) : Number.NaN;
  const elsewhere = ours.filter((t) => t.toolchain === 'emscripten').map((t) => t.program);
  const ratios = (peer: string): number[] =>
    programs.map((name) => results.find((r) => r.peer === peer && r.program === name)!.ratio);
  const peak = (peer: string): number =>
    geometricMean(
      programs.map((name) => {
        const of = (p: string): number => results.find((r) => r.peer === p && r.program === name)!.peak;
        return of(peer) / of(plainGlibc.name);
      }),
    );
  const d = (x: Delivers): string[] => [x.allocations, x.stacks, x.lines, x.inlines, x.pprof];
  const rows = taking.map((p) => [
    p.name,
    ...ratios(p.name).map(number),
    number(geometricMean(ratios(p.name))),
    number(peak(p.name)),
    ...d(p.delivers),
  ]);
  if (complete) {
    rows.unshift([
      'Heapline (wasm ÷ plain wasm)',
      ...ours.map((t) => number(t.ratio.median)),
      number(oursMean),
      number(geometricMean(ours.map((t) => t.trackedMemory / t.plainMemory))),
      ...d({ ...everything, stacks: 'full, with JS', pprof: 'yes' }),
    ]);
  }
  return {
    tables: [
      {
        title: 'Native peers: tool ÷ plain glibc on the native build of the same C',
        columns: [
          'tool',
          ...programs,
          'mean',
          'peak memory ÷',
          'allocations',
          'stacks',
          'lines',
          'inlines',
          'pprof',
        ],
        rows,
        notes: [
          'Processor time of the process, second call of the entry: start-up and writing reports are not counted.',
          "heaptrack's interpreter is a second process and is not counted either.",
          ...(complete && elsewhere.length > 0
            ? [`Heapline on ${elsewhere.join(', ')}: with Emscripten.`]
            : []),
          ...notes,
        ],
      },
    ],
    bars: complete
      ? taking.map((p) =>
          bar(`tool ÷ plain, ours against ${p.name}'s`, oursMean / geometricMean(ratios(p.name)), 1, 'lower'),
        )
      : [],
    data: results,
  };
}
