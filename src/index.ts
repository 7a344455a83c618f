/**
 * The entry `heapline`: compile and load C, run it, and ask about its heap.
 *
 * @module heapline
 */

// The list is by name, because a room offers other rooms more than it offers users. test/types pins the list and the
// types behind it.

import './node/install.ts';
import './serve/join.ts';

export type { WasmImports, WasmMemory } from './binary/wasm-types.ts';
export type { CompileOptions, ToolchainName } from './compile/index.ts';
export * from './errors.ts';
export type { FaultyBlock, Frame, HeapFault, HeapFaultKind, StackColumns } from './frames/index.ts';
export type { HeapBlock, HeapSnapshot, HeapTotals } from './heap/index.ts';
export type { InputReader } from './host/index.ts';
export type {
  GrowingContext,
  GrowthOptions,
  GrowthReport,
  HeapAmount,
  HeapMark,
  ScopeResult,
} from './leaks/index.ts';
export {
  type LoadCOptions,
  type LoadWasmOptions,
  loadC,
  loadWasm,
} from './loading/index.ts';
export {
  type ContextProfileKind,
  type DecodeOptions,
  type EncodeOptions,
  type FoldedOptions,
  type Granularity,
  HeapProfile,
  type ProfileFunction,
  type ProfileJson,
  type ProfileJsonFrame,
  type ProfileJsonSample,
  type ProfileKind,
  type ProfileLine,
  type ProfileLocation,
  type ProfileMapping,
  type ProfileModel,
  type ProfileSample,
  type SampleLabel,
  type Samples,
  type SampleType,
  type SpeedscopeOptions,
  type TopOptions,
  type TopRow,
} from './profile/index.ts';
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
  type AssertLeaksOptions,
  type FunctionTable,
  type GuestExports,
  type Heap,
  type HeapStats,
  type HostFrames,
  type HostFramesSampling,
  type LeaksOptions,
  type ModuleOptions,
  type ProfileOptions,
  type RunResult,
  Sandbox,
  type SandboxOptions,
  type TableFunction,
  type ToolchainInfo,
} from './sandbox/index.ts';
