// The options of sweep().

import { InvalidArgumentError } from '../errors.ts';
import { durationOf } from '../options/duration.ts';
import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { callback, numberAbove0 } from '../options/option-rules.ts';
import { type OptionRule, type OptionTable, withDefault, withHelp } from '../options/option-table.ts';
import type { Progress } from '../options/progress.ts';

/** How one run of the work has ended. */
export interface SweepOutcome {
  /** What the work returned; undefined when it threw. */
  readonly result: unknown;
  /** What the work threw; undefined when it returned. */
  readonly error: unknown;
}

/** How far a sweep is. */
export interface SweepProgress extends Progress {
  readonly step: 'sweep';
  /** Runs so far. */
  readonly done: number;
  /** Runs in all. */
  readonly total: number;
  /** Allocations whose failure is handled badly, so far. */
  readonly found: number;
}

/** Options of sweep(). */
export interface SweepOptions<Lib = never> {
  /**
   * The time for all runs, in milliseconds or as text such as `10 s`. What could not be tried then is listed in the report.
   * Default 30000.
   */
  readonly budget?: number | string;
  /** Most milliseconds of one run; a run that takes longer is endless. Default 2000. */
  readonly timeout?: number;
  /**
   * What must be true after each run, besides that nothing traps, leaks or misuses the heap. It fails by returning false or
   * by throwing an error, whose message is in the report.
   */
  readonly condition?: (lib: Lib, outcome: SweepOutcome) => unknown;
  /**
   * Told how far the sweep is, at most ten times a second. An error that it throws ends the sweep and reaches the caller.
   */
  readonly onProgress?: (progress: SweepProgress) => void;
}

const budget: OptionRule<number | string, number> = {
  read: (value, option) => {
    const milliseconds = typeof value === 'string' ? durationOf(value) : value;
    if (typeof milliseconds === 'number' && milliseconds > 0 && milliseconds <= LONGEST_TIMER)
      return milliseconds;
    throw new InvalidArgumentError(
      option,
      `The option ${option} must be a number of milliseconds above 0, or text such as '10 s'.`,
    );
  },
};

/** The table of these options. */
export const SWEEP_OPTIONS = {
  budget: withHelp(withDefault(budget, 30_000), 'the time for the runs of --sweep, such as 10s'),
  timeout: withDefault(numberAbove0(LONGEST_TIMER, 'milliseconds'), 2000),
  condition: callback(),
  onProgress: callback(),
} satisfies OptionTable<SweepOptions>;
