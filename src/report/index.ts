// Door of the leak reports: the model, suppressions, and what writes text and JSON. Baselines and the other writers have a
// door of their own, writers.ts, because most programs never load them. This room takes
// records with symbolised stacks and knows nothing about how they were found.

export { formatGrowth } from './growth-text.ts';
export type {
  JsonOptions,
  LeakJson,
  LeakJsonAccess,
  LeakJsonBranch,
  LeakJsonError,
  LeakJsonFailure,
  LeakJsonFrame,
  LeakJsonGrowingPlace,
  LeakJsonGrowth,
  LeakJsonRecord,
  LeakJsonSample,
  LeakJsonSuppressed,
} from './json.ts';
export { formatJson, LEAK_JSON_VERSION, toJson } from './json.ts';
export { LeakError } from './leak-error.ts';
export type { LeakKind } from './leak-kinds.ts';
export {
  defaultLeakKinds,
  failingLeakKinds,
  leakKinds,
  parseLeakKinds,
  someLeakKinds,
} from './leak-kinds.ts';
export type { LeakProfileOptions } from './leak-profile.ts';
export { encodeLeakProfile } from './leak-profile.ts';
export type {
  BlockContents,
  BlockSample,
  FailedAllocation,
  GrowingPlace,
  LeakClass,
  LeakCount,
  LeakGrowth,
  LeakPart,
  LeakRecord,
  LeakReportParts,
  LeakTotals,
  ShownField,
  SuppressedLeak,
} from './leak-report.ts';
export { LeakReport } from './leak-report.ts';
export { partWithOther, sumOf, withOther } from './lost-trees.ts';
export { firstStack, pointAt } from './pointing.ts';
export type { ReportFormat } from './report-options.ts';
export { isReportFormat, REPORT_FORMATS, SHORT_RECORDS, TEXT_OPTIONS } from './report-options.ts';
export type { Suppression, SuppressionRule } from './suppressions.ts';
export { parseSuppressions, suppress, suppressionsOf } from './suppressions.ts';
export type { TextOptions } from './text.ts';
export { formatText } from './text.ts';
