// Emscripten's LeakSanitizer, the tool that a user of Emscripten has today. It captures the engine's stack at every
// allocation and never frees these captures, so it runs the kernels at their smallest scale.
import { readFileSync } from 'node:fs';
import { linkEmscripten, version } from '../build.ts';
import { runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { comparedKernels, kernels, smallestScale } from '../programs.ts';
import { milliseconds, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, ratioSpread, type Spread, spread } from '../statistics.ts';

export interface LeakSanitizerResult {
  readonly program: string;
  readonly scale: number;
  readonly plain: Spread;
  readonly sanitized: Spread;
  readonly ratio: Spread;
  /** Linear memory at peak, in bytes. */
  readonly plainMemory: number;
  readonly sanitizedMemory: number;
}

export async function measureLeakSanitizer(setting: Setting): Promise<Outcome> {
  if (!(await version('emcc'))) return { tables: [], bars: [], data: 'emcc is missing' };
  const cubes = kernels.filter((k) => k.name === 'cubes');
  const results: LeakSanitizerResult[] = [];
  for (const program of setting.quick ? comparedKernels : [...comparedKernels, ...cubes]) {
    setting.progress(`${program.name}, Emscripten LeakSanitizer`);
    const plain = await linkEmscripten(program, 'dlmalloc');
    const sanitized = await linkEmscripten(program, 'dlmalloc', {
      name: 'em-lsan',
      flags: ['-fsanitize=leak', '-sINITIAL_MEMORY=32MB'],
    });
    const scale = smallestScale(program);
    const samples = await interleave(
      new Map([
        ['plain', runnable(readFileSync(plain.path), plain, program.entry)],
        ['sanitized', runnable(readFileSync(sanitized.path), sanitized, program.entry)],
      ]),
      { rounds: setting.quick ? 1 : 3, maximalWarmUp: 1, scale },
    );
    results.push({
      program: program.name,
      scale,
      plainMemory: samples[0]!.memory,
      sanitizedMemory: samples[1]!.memory,
      plain: spread(samples[0]!.times),
      sanitized: spread(samples[1]!.times),
      ratio: ratioSpread(samples[1]!.times, samples[0]!.times),
    });
  }
  return {
    tables: [
      {
        title: 'Emscripten LeakSanitizer against plain Emscripten',
        columns: ['kernel', 'plain ms', 'sanitized ms', 'sanitized ÷ plain'],
        rows: [
          ...results.map((r) => [
            r.program,
            milliseconds(r.plain),
            milliseconds(r.sanitized),
            withQuartiles(r.ratio),
          ]),
          ['geometric mean', '', '', number(geometricMean(results.map((r) => r.ratio.median)))],
        ],
        notes: [
          'Each kernel runs at its smallest scale. The tool only reports leaks at exit; it has no profile.',
        ],
      },
    ],
    bars: [],
    data: results,
  };
}
