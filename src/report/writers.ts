// The second door of the leak reports: baselines and the writers that `heapline run` and most tests never need.

export type { Baseline, BaselineLeak, BaselineOptions } from './baseline.ts';
export {
  applyBaseline,
  BASELINE_VERSION,
  baselineOf,
  formatBaseline,
  parseBaseline,
  stackFingerprint,
} from './baseline.ts';
export type { BaselineFault } from './baseline-faults.ts';
export type { BaselineFrame } from './baseline-stack.ts';
export type { SuppressionsOptions } from './generated-suppressions.ts';
export { formatSuppressions } from './generated-suppressions.ts';
export type { GitHubOptions } from './github.ts';
export { formatGitHub } from './github.ts';
export type { JUnitOptions } from './junit.ts';
export { formatJUnit } from './junit.ts';
export type { ReportOptions } from './report-formats.ts';
export { formatReport } from './report-formats.ts';
export type { SarifOptions } from './sarif.ts';
export { formatSarif, toSarif } from './sarif.ts';
