// Door of the sweep: lets each allocation of some work fail, and reports which failures are handled badly.

export { type SweepWork, sweep, sweepOpen } from './sweep.ts';
export { SWEEP_OPTIONS, type SweepOptions, type SweepOutcome, type SweepProgress } from './sweep-options.ts';
export {
  type SweepFinding,
  type SweepFindingKind,
  type SweepMode,
  SweepReport,
  type SweptAllocation,
  type UntriedAllocation,
} from './sweep-report.ts';
