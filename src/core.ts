/**
 * The entry `heapline/core`: the half of Heapline that runs in a browser. It is experimental: names and types may
 * change in any version.
 *
 * @module core
 */

import './web/install.ts';

export * from './errors.ts';
export type { HeapFault } from './frames/index.ts';
export type { HeapBlock, HeapSnapshot, HeapTotals } from './heap/index.ts';
export {
  InstrumentedModule,
  type InstrumentOptions,
  type InstrumentStatistics,
  instrument,
  openInstrumented,
} from './instrument/index.ts';
export { type ContextProfileKind, HeapProfile, type ProfileJson, type TopRow } from './profile/index.ts';
export {
  applyBaseline,
  BASELINE_VERSION,
  type Baseline,
  type BaselineFrame,
  type BaselineLeak,
  type BaselineOptions,
  type BlockSample,
  baselineOf,
  defaultLeakKinds,
  encodeLeakProfile,
  type FailedAllocation,
  formatBaseline,
  formatGitHub,
  formatJson,
  formatJUnit,
  formatSarif,
  formatSuppressions,
  formatText,
  type GitHubOptions,
  type JsonOptions,
  type JUnitOptions,
  LEAK_JSON_VERSION,
  type LeakClass,
  type LeakCount,
  LeakError,
  type LeakJson,
  type LeakJsonError,
  type LeakJsonFailure,
  type LeakJsonFrame,
  type LeakJsonRecord,
  type LeakJsonSample,
  type LeakJsonSuppressed,
  type LeakKind,
  type LeakProfileOptions,
  type LeakRecord,
  LeakReport,
  type LeakReportParts,
  type LeakTotals,
  leakKinds,
  parseBaseline,
  parseLeakKinds,
  parseSuppressions,
  type SarifOptions,
  type SuppressedLeak,
  type Suppression,
  type SuppressionRule,
  type SuppressionsOptions,
  stackFingerprint,
  suppress,
  suppressionsOf,
  type TextOptions,
  toJson,
  toSarif,
} from './report/index.ts';
export {
  type GuestExports,
  type Heap,
  type HeapStats,
  loadBytes as loadWasm,
  type ModuleOptions,
  type RunResult,
  Sandbox,
  type SandboxOptions,
} from './sandbox/index.ts';
export {
  type SourceMapInput,
  Symbolizer,
  type SymbolizerOptions,
  type SymbolSource,
} from './symbols/index.ts';
