// The public interface of Heapline.

import './node/install.ts';
import './serve/join.ts';

export type { CompileOptions } from './compile/index.ts';
export * from './errors.ts';
export type { Frame, HeapFault, HeapFaultKind } from './frames/index.ts';
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
export { type ContextProfileKind, HeapProfile, type ProfileJson, type TopRow } from './profile/index.ts';
export * from './report/index.ts';
export {
  type AssertLeaksOptions,
  type FunctionTable,
  type GuestExports,
  type Heap,
  type HeapStats,
  type HostFrames,
  type LeaksOptions,
  type ModuleOptions,
  type ProfileOptions,
  type RunResult,
  Sandbox,
  type SandboxOptions,
  type TableFunction,
  type ToolchainInfo,
} from './sandbox/index.ts';
