// All tools side by side, on the kernels that every tool ran: their costs, the information that they deliver, and how
// they were called. This file measures nothing; it combines the results of the measurements before it.
import { root, targets } from '../build.ts';
import type { LeakSanitizerResult } from '../peers/emscripten-lsan.ts';
import type { CaptureResult } from '../peers/engine-capture.ts';
import { type Delivers, everything, type NativeResult, peers, plainGlibc } from '../peers/native.ts';
import { drawBars } from '../plot.ts';
import { comparedKernels, PAIR_KERNEL, PAIRS } from '../programs.ts';
import { mebibytes, number, type Outcome } from '../report.ts';
import { geometricMean, type Spread } from '../statistics.ts';
import type { TrackingResult } from './tracking.ts';

export interface Tool {
  readonly name: string;
  readonly runs: 'wasm' | 'native';
  /** Heapline, a plain allocator that others are measured against, or another project's tool. */
  readonly kind: 'ours' | 'plain' | 'peer';
  /** Time and peak memory, tool ÷ plain, geometric means over the compared kernels. */
  readonly ratio: number;
  readonly memory: number;
  /** Nanoseconds of one malloc+free, and peak memory in bytes, on the kernel of flat churn. */
  readonly pair: number;
  readonly peak: number;
  readonly delivers: Delivers;
  /** The objects that the tool takes, and what is done with them. */
  readonly command: string;
}

const nothing = plainGlibc.delivers;
const heapline: Delivers = { ...everything, stacks: 'full, with JS', pprof: 'yes' };

const names = comparedKernels.map((k) => k.name);
const pairScale = comparedKernels.find((k) => k.name === PAIR_KERNEL)!.scale;

/** The results of the compared kernels in their order; null when a result is missing. */
function compared<T extends { readonly program: string }>(results: readonly T[]): T[] | null {
  const found = names.map((name) => results.find((r) => r.program === name));
  return found.every((r) => r !== undefined) ? (found as T[]) : null;
}

const mean = <T>(results: readonly T[], value: (result: T) => number): number =>
  geometricMean(results.map(value));

function trackingTools(all: readonly TrackingResult[]): Tool[] {
  const tools: Tool[] = [];
  for (const toolchain of ['wasi', 'emscripten'] as const) {
    const results = compared(all.filter((r) => r.toolchain === toolchain));
    if (!results) continue;
    const pair = results.find((r) => r.program === PAIR_KERNEL)!;
    const perPair = (variant: string): number => pair.times[variant]!.median / (pairScale * PAIRS);
    const shared = { runs: 'wasm' as const, memory: 1, ratio: 1, delivers: nothing };
    const place = toolchain === 'wasi' ? 'wasi-libc' : 'Emscripten';
    tools.push({
      ...shared,
      name: `${place} dlmalloc, plain`,
      kind: 'plain',
      pair: perPair('plain'),
      peak: pair.plainMemory,
      command: `${toolchain}`,
    });
    if (toolchain === 'emscripten')
      tools.push({
        ...shared,
        name: 'Emscripten emmalloc, plain',
        kind: 'plain',
        ratio: mean(results, (r) => r.times.emmalloc!.median / r.times.plain!.median),
        memory: mean(results, (r) => r.emmallocMemory! / r.plainMemory),
        pair: perPair('emmalloc'),
        peak: pair.emmallocMemory!,
        command: 'emscripten, linked with -sMALLOC=emmalloc',
      });
    tools.push({
      name: toolchain === 'wasi' ? 'Heapline' : 'Heapline, Emscripten',
      runs: 'wasm',
      kind: 'ours',
      ratio: mean(results, (r) => r.ratio.median),
      memory: mean(results, (r) => r.trackedMemory / r.plainMemory),
      pair: perPair('tracked'),
      peak: pair.trackedMemory,
      delivers: heapline,
      command: `${toolchain}, linked with wasm/heapline-${toolchain}.o and instrumented`,
    });
  }
  return tools;
}

interface CaptureData {
  readonly pairs: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  readonly programs: readonly CaptureResult[];
}

function captureTool({ pairs, programs }: CaptureData): Tool[] {
  const results = compared(programs);
  if (!results) return [];
  return [
    {
      name: 'engine stack capture',
      runs: 'wasm',
      kind: 'peer',
      ratio: mean(results, (r) => r.ratio.median),
      memory: mean(results, (r) => r.captureMemory / r.plainMemory),
      pair: pairs[PAIR_KERNEL]!.capture!.median,
      peak: results.find((r) => r.program === PAIR_KERNEL)!.captureMemory,
      delivers: {
        allocations: 'all',
        stacks: '100 frames, with JS',
        lines: 'no',
        inlines: 'no',
        pprof: 'no',
      },
      command: 'wasi, with one `new Error().stack` of up to 100 frames at every malloc (peers/capture.c)',
    },
  ];
}

function leakSanitizerTool(all: readonly LeakSanitizerResult[]): Tool[] {
  const results = compared(all);
  if (!results) return [];
  const pair = results.find((r) => r.program === PAIR_KERNEL)!;
  return [
    {
      name: 'Emscripten LeakSanitizer',
      runs: 'wasm',
      kind: 'peer',
      ratio: mean(results, (r) => r.ratio.median),
      memory: mean(results, (r) => r.sanitizedMemory / r.plainMemory),
      pair: pair.sanitized.median / (pair.scale * PAIRS),
      peak: pair.sanitizedMemory,
      delivers: {
        allocations: 'leaks only',
        stacks: '30 frames',
        lines: 'with a source map',
        inlines: 'no',
        pprof: 'no',
      },
      command: 'emscripten, linked with -fsanitize=leak -sINITIAL_MEMORY=32MB',
    },
  ];
}

function nativeTools(all: readonly NativeResult[]): Tool[] {
  const plain = compared(all.filter((r) => r.peer === plainGlibc.name));
  if (!plain) return [];
  return [plainGlibc, ...peers].flatMap((peer) => {
    const results = compared(all.filter((r) => r.peer === peer.name));
    if (!results) return [];
    const pair = results.find((r) => r.program === PAIR_KERNEL)!;
    const environment = Object.entries(peer.env).map(([name, value]) => `${name}=${value}`);
    return [
      {
        name: peer === plainGlibc ? 'glibc, plain' : peer.name,
        runs: 'native' as const,
        kind: peer === plainGlibc ? ('plain' as const) : ('peer' as const),
        ratio: mean(results, (r) => r.ratio),
        memory: geometricMean(results.map((r, i) => r.peak / plain[i]!.peak)),
        pair: pair.nanoseconds / (pair.scale * PAIRS),
        peak: pair.peak,
        delivers: peer.delivers,
        command:
          `${peer.sanitized ? 'native-asan' : 'native'}, called as: ${[...environment, ...peer.prefix, './program'].join(' ')}`.replaceAll(
            root,
            '',
          ),
      },
    ];
  });
}

const TITLE = 'How many times as long a program takes under each tool';

/** The costs of all tools as bars. */
export const drawTools = (tools: readonly Tool[]): string =>
  drawBars(
    TITLE,
    `Processor time, tool ÷ plain; geometric mean over ${names.join(', ')}; logarithmic`,
    tools
      .filter((t) => t.kind !== 'plain')
      .sort((a, b) => a.ratio - b.ratio)
      .map((t) => ({ name: t.name, value: t.ratio, ours: t.kind === 'ours' })),
  );

export function compareTools(before: ReadonlyMap<string, Outcome>): Outcome {
  const data = <T>(name: string): T | null => {
    const found = before.get(name)?.data;
    // A measurement whose tool is missing has a sentence instead of results.
    return found === undefined || typeof found === 'string' ? null : (found as T);
  };
  const capture = data<CaptureData>('capture');
  const tools = [
    ...trackingTools(data<readonly TrackingResult[]>('tracking') ?? []),
    ...(capture ? captureTool(capture) : []),
    ...leakSanitizerTool(data<readonly LeakSanitizerResult[]>('lsan') ?? []),
    ...nativeTools(data<readonly NativeResult[]>('native') ?? []),
  ];
  if (tools.length === 0) return { tables: [], bars: [], data: [] };
  return {
    tables: [
      {
        title: `All tools, on the kernels ${names.join(', ')}`,
        columns: [
          'tool',
          'runs',
          'tool ÷ plain',
          'malloc+free ns',
          'peak MiB',
          'peak ÷',
          'allocations',
          'stacks',
          'lines',
          'inlines',
          'pprof',
        ],
        rows: tools.map((t) => [
          t.name,
          t.runs,
          number(t.ratio),
          number(t.pair),
          mebibytes(t.peak),
          number(t.memory),
          t.delivers.allocations,
          t.delivers.stacks,
          t.delivers.lines,
          t.delivers.inlines,
          t.delivers.pprof,
        ]),
        notes: [
          'tool ÷ plain and peak ÷: geometric means over the three kernels, each compared with its own plain build.',
          `malloc+free and peak MiB: ${PAIR_KERNEL}, one replaced block. Peak: linear memory in wasm, resident memory natively.`,
          'Engine stack capture and LeakSanitizer run the kernels at their smallest scale; the latter must start with 32 MiB.',
        ],
        plot: { file: 'tools', title: TITLE, svg: drawTools(tools) },
      },
      {
        title: 'How each was built and called',
        columns: ['tool', 'command'],
        rows: [
          ...Object.values(targets).map((t) => [
            `objects, ${t.name}`,
            [t.compiler, ...t.compile, '-c'].join(' '),
          ]),
          ...tools.map((t) => [t.name, t.command]),
        ],
        notes: [],
      },
    ],
    bars: [],
    data: tools,
  };
}
