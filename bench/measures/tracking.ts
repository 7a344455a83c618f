// The heart of the benchmark: every program with its toolchain's own allocator and untracked, beside the same objects
// linked with the runtime and instrumented. Measures time and linear memory, and compares checksums.
import { readFileSync } from 'node:fs';
import { instrument } from '../../src/instrument/index.ts';
import { type Artifact, linkEmscripten, linkWasi, version } from '../build.ts';
import { realPrograms } from '../corpora.ts';
import { type Runnable, runnable } from '../guest.ts';
import { interleave, type Samples } from '../interleave.ts';
import { comparedKernels, kernels, type Program, type Role } from '../programs.ts';
import {
  type Bar,
  bar,
  mebibytes,
  milliseconds,
  number,
  type Outcome,
  type Table,
  withQuartiles,
} from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, ratioSpread, type Spread, spread } from '../statistics.ts';

/** One program's result in one toolchain. */
export interface TrackingResult {
  readonly program: string;
  readonly role: Role;
  readonly toolchain: 'wasi' | 'emscripten';
  /** Nanoseconds per sample, by variant: `plain`, `tracked`, and `emmalloc` with Emscripten. */
  readonly times: Readonly<Record<string, Spread>>;
  readonly ratio: Spread;
  /** Linear memory at peak, in bytes. */
  readonly plainMemory: number;
  readonly trackedMemory: number;
  /** With Emscripten only. */
  readonly emmallocMemory?: number;
}

export function tracked(artifact: Artifact): Uint8Array {
  return instrument(readFileSync(artifact.path), {}).bytes;
}

export async function buildVariants(
  program: Program,
  toolchain: 'wasi' | 'emscripten',
): Promise<Map<string, Runnable>> {
  const link = toolchain === 'wasi' ? linkWasi : linkEmscripten;
  const plain = await link(program, 'dlmalloc');
  const withRuntime = await link(program, 'heapline');
  const variants = new Map([
    ['plain', runnable(readFileSync(plain.path), plain, program.entry)],
    ['tracked', runnable(tracked(withRuntime), withRuntime, program.entry)],
  ]);
  if (toolchain === 'emscripten') {
    const small = await linkEmscripten(program, 'emmalloc');
    variants.set('emmalloc', runnable(readFileSync(small.path), small, program.entry));
  }
  return variants;
}

/** Measures one program, all variants side by side. */
export async function measureProgram(
  program: Program,
  toolchain: 'wasi' | 'emscripten',
  setting: Setting,
): Promise<TrackingResult> {
  const variants = await buildVariants(program, toolchain);
  const samples = await interleave(variants, {
    rounds: setting.quick ? 9 : 31,
    budget: setting.quick ? 1e9 : 20e9,
    maximalWarmUp: setting.quick ? 8 : 16,
    scale: program.scale,
  });
  const of = (name: string): Samples => samples.find((s) => s.name === name)!;
  const plain = of('plain');
  const followed = of('tracked');
  return {
    program: program.name,
    role: program.role,
    toolchain,
    times: Object.fromEntries(samples.map((s) => [s.name, spread(s.times)])),
    ratio: ratioSpread(followed.times, plain.times),
    plainMemory: plain.memory,
    trackedMemory: followed.memory,
    ...(toolchain === 'emscripten' ? { emmallocMemory: of('emmalloc').memory } : {}),
  };
}

function resultTable(results: readonly TrackingResult[], toolchain: 'wasi' | 'emscripten'): Table {
  const emscripten = toolchain === 'emscripten';
  return {
    title: emscripten ? 'Tracked against plain: Emscripten' : 'Tracked against plain: clang and wasi-libc',
    columns: [
      'program',
      'kind',
      'plain dlmalloc ms',
      ...(emscripten ? ['plain emmalloc ms'] : []),
      'tracked ms',
      'tracked ÷ plain',
      'plain MiB',
      'tracked MiB',
      'memory ÷',
    ],
    rows: results
      .filter((r) => r.toolchain === toolchain)
      .map((r) => [
        r.program,
        r.role,
        milliseconds(r.times.plain!),
        ...(emscripten ? [milliseconds(r.times.emmalloc!)] : []),
        milliseconds(r.times.tracked!),
        withQuartiles(r.ratio),
        mebibytes(r.plainMemory),
        mebibytes(r.trackedMemory),
        number(r.trackedMemory / r.plainMemory),
      ]),
    notes: [
      'The same objects, linked twice. Each sample has a fresh instance: contexts are new, memory is untouched.',
      'kind: real = a program of the corpora; churn, mixed, adversarial, hostile = allocation kernels; calls = no allocation.',
      'No bar counts pair, the best case of dlmalloc (the block that was freed last is handed out next), or scatter (hostile), because no program is like it.',
      ...(emscripten
        ? ["Emscripten's memory grows in steps of a fifth, so its memory column is coarse."]
        : []),
    ],
  };
}

function barsOf(results: readonly TrackingResult[]): Bar[] {
  const bars: Bar[] = [];
  const wasi = results.filter((r) => r.toolchain === 'wasi');
  const of = (role: Role): TrackingResult[] => results.filter((r) => r.role === role);
  const ratios = (list: readonly TrackingResult[]): number[] => list.map((r) => r.ratio.median);
  if (of('real').length > 0) {
    bars.push(
      bar(
        'real programs, tracked ÷ plain, geometric mean',
        geometricMean(ratios(of('real'))),
        1.1,
        'lower',
        1,
      ),
    );
    bars.push(
      bar('worst real program, tracked ÷ plain', Math.max(...ratios(of('real'))), 1.25, 'lower', 1.1),
    );
    const memory = wasi.filter((r) => r.role === 'real').map((r) => r.trackedMemory / r.plainMemory);
    if (memory.length > 0) {
      bars.push(
        bar(
          'linear memory at peak, tracked ÷ plain, real programs, geometric mean',
          geometricMean(memory),
          1.25,
          'lower',
          1.1,
        ),
      );
      bars.push(
        bar(
          'linear memory at peak, tracked ÷ plain, worst real program',
          Math.max(...memory),
          1.35,
          'lower',
          1.1,
        ),
      );
    }
  }
  if (of('churn').length > 0)
    bars.push(
      bar(
        'malloc/free churn, flat stack, tracked ÷ plain',
        geometricMean(ratios(of('churn'))),
        0.75,
        'lower',
        0.45,
      ),
    );
  if (of('adversarial').length > 0)
    bars.push(
      bar(
        'adversarial, every allocation a new deep context, worst',
        Math.max(...ratios(of('adversarial'))),
        5,
        'lower',
        3,
      ),
    );
  return bars;
}

export async function measureTracking(setting: Setting): Promise<Outcome> {
  const results: TrackingResult[] = [];
  const toolchains: ('wasi' | 'emscripten')[] = ['wasi'];
  if (await version('emcc')) toolchains.push('emscripten');
  for (const toolchain of toolchains) {
    // Emscripten's code differs little from clang's.
    const taken = setting.quick && toolchain === 'emscripten' ? comparedKernels : kernels;
    const programs = [...(await realPrograms(toolchain)), ...taken];
    for (const program of programs) {
      if (!setting.wants(program.name)) continue;
      setting.progress(`${program.name}, ${toolchain}`);
      results.push(await measureProgram(program, toolchain, setting));
    }
  }
  return {
    tables: toolchains.map((toolchain) => resultTable(results, toolchain)).filter((t) => t.rows.length > 0),
    bars: barsOf(results),
    data: results,
  };
}
