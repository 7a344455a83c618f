// Emscripten's LeakSanitizer: the tool that a user of Emscripten has today. It captures the engine's stack at every
// allocation and frees nothing of it, so it runs the kernels at their smallest scale.
import { readFileSync } from 'node:fs';
import { linkEmscripten, version } from '../build.ts';
import { runnable } from '../guest.ts';
import { interleave } from '../interleave.ts';
import { kernels } from '../programs.ts';
import { milliseconds, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { geometricMean, ratioSpread, type Spread, spread } from '../statistics.ts';

interface LeakSanitizerResult {
  readonly program: string;
  readonly plain: Spread;
  readonly sanitized: Spread;
  readonly ratio: Spread;
}

/** Kernels that are representative and end in reasonable time under a capture per allocation. */
const taken = { quick: ['bignum'], full: ['churn', 'bignum', 'cubes', 'trees'] };

export async function measureLeakSanitizer(setting: Setting): Promise<Outcome> {
  if (!(await version('emcc'))) return { tables: [], bars: [], data: 'emcc is missing' };
  const names = setting.quick ? taken.quick : taken.full;
  const results: LeakSanitizerResult[] = [];
  for (const program of kernels.filter((k) => names.includes(k.name))) {
    setting.progress(`${program.name}, Emscripten LeakSanitizer`);
    const plain = await linkEmscripten(program, 'dlmalloc');
    const sanitized = await linkEmscripten(program, 'dlmalloc', {
      name: 'em-lsan',
      flags: ['-fsanitize=leak', '-sINITIAL_MEMORY=32MB'],
    });
    const samples = await interleave(
      new Map([
        ['plain', runnable(readFileSync(plain.path), plain, program.entry)],
        ['sanitized', runnable(readFileSync(sanitized.path), sanitized, program.entry)],
      ]),
      { rounds: setting.quick ? 1 : 3, maximalWarmUp: 1, scale: program.name === 'trees' ? 14 : 1 },
    );
    results.push({
      program: program.name,
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
        notes: ['Smallest scale of each kernel; the tool reports leaks at exit only, no profile.'],
      },
    ],
    bars: [],
    data: results,
  };
}
