// Takes samples of several variants side by side: in each round every variant runs once, in rotating order, with a
// fresh instance for every sample. Drift (clock speed, other programs) then affects all variants alike.
import { rest, threadTime } from './clock.ts';
import type { Guest, Runnable } from './guest.ts';

/** One variant's samples. */
export interface Samples {
  readonly name: string;
  /** CPU time of each round, in nanoseconds. */
  readonly times: number[];
  /** Linear memory after each sample, in bytes. Memory never shrinks, so this is the peak. */
  memory: number;
}

export interface InterleaveOptions {
  readonly rounds: number;
  /** Nanoseconds of processor time. After them no further round begins, once there are five rounds. */
  readonly budget?: number;
  readonly scale: number;
  /** Rounds after which all variants count as tiered up even if they still get faster. */
  readonly maximalWarmUp: number;
}

/** The error when a variant has another result than the first one. */
export class ChecksumError extends Error {
  override readonly name = 'ChecksumError';
}

function sample(guest: Guest, scale: number): { time: number; checksum: number } {
  const start = threadTime();
  const checksum = guest.run(scale);
  return { time: threadTime() - start, checksum };
}

/** Runs the variants until their times are stable (V8 has moved the hot functions to TurboFan), then measures. */
export async function interleave(
  variants: ReadonlyMap<string, Runnable>,
  options: InterleaveOptions,
): Promise<Samples[]> {
  const budget = options.budget ?? Number.POSITIVE_INFINITY;
  let expected: number | undefined;
  const one = (name: string, variant: Runnable): { time: number; memory: number } => {
    const guest = variant.open();
    const { time, checksum } = sample(guest, options.scale);
    expected ??= checksum;
    if (checksum !== expected)
      throw new ChecksumError(`${name} computed ${checksum}, the other variants ${expected}`);
    return { time, memory: guest.memory.buffer.byteLength };
  };

  for (const [name, variant] of variants) {
    let best = Number.POSITIVE_INFINITY;
    let idle = 0;
    let spent = 0;
    for (let round = 0; round < options.maximalWarmUp && idle < 2; round++) {
      const { time } = one(name, variant);
      spent += time;
      if (round >= 2 && spent > budget / 4) break;
      idle = time > best * 0.97 ? idle + 1 : 0;
      best = Math.min(best, time);
      await rest(5);
    }
  }

  const samples = [...variants.keys()].map((name): Samples => ({ name, times: [], memory: 0 }));
  const order = [...variants.entries()];
  const begin = threadTime();
  for (let round = 0; round < options.rounds; round++) {
    if (round >= 5 && threadTime() - begin > budget) break;
    for (let i = 0; i < order.length; i++) {
      const at = (i + round) % order.length;
      const [name, variant] = order[at]!;
      const { time, memory } = one(name, variant);
      samples[at]!.times.push(time);
      samples[at]!.memory = Math.max(samples[at]!.memory, memory);
    }
    // A pause lets the collector and finished instances run outside the timed part.
    await rest(0);
  }
  return samples;
}
