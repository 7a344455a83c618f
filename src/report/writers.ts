// The second door of the leak reports: the writers that `heapline run` and most tests never need.

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
