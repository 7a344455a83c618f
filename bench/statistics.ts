// Order statistics for timings. Timings have a hard floor and a long tail, so this file computes medians and
// quartiles, never means, except the geometric mean over the ratios of several programs.

/** Median and quartiles of a sample. */
export interface Spread {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
  readonly samples: number;
}

/** Linear interpolation between order statistics (R's type 7). `sorted` ascending, not empty. */
function quantile(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('spread() of no values');
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lower: quantile(sorted, 0.25),
    upper: quantile(sorted, 0.75),
    samples: sorted.length,
  };
}

/** Spread of the ratios of samples that were taken side by side, which cancels drift from round to round. */
export function ratioSpread(numerator: readonly number[], denominator: readonly number[]): Spread {
  if (numerator.length !== denominator.length) throw new RangeError('ratioSpread() needs paired samples');
  return spread(numerator.map((value, i) => value / denominator[i]!));
}

export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('geometricMean() of no values');
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
