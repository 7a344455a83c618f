// A running module as the user sees it, and the session behind it.

export type { RecordOnly } from '../graft/index.ts';
export { checkFunction } from './arguments.ts';
export { checkRoom, loadRoom } from './asked-room.ts';
export {
  Boundary,
  type BoundaryOptions,
  type HostFrames,
  type HostFramesBudget,
  type HostFramesSampling,
} from './boundary.ts';
export type { CallLimits } from './call-limits.ts';
export type { FunctionTable, TableFunction } from './function-table.ts';
export type { Heap, HeapMode, HeapStats } from './heap.ts';
export {
  ALL_LEAKS_OPTIONS,
  type AllLeaksOptions,
  ASSERT_LEAKS_OPTIONS,
  type AssertLeaksOptions,
  type LeaksOptions,
  type ProfileOptions,
} from './heap-options.ts';
export { type GraftSettings, type ModuleStore, type StorePlace, useModuleStore } from './module-store.ts';
export {
  loadSymbols,
  loadViews,
  type SymbolNeeds,
  useSymbols,
  useUninstrumented,
  useViews,
} from './module-symbols.ts';
export { loadShapes, useShapes } from './module-wrappers.ts';
export {
  loadBytes,
  MODULE_OPTIONS,
  type ModuleOptions,
  openModule,
  ownBytes,
  symbolOptionsOf,
} from './open-module.ts';
export { type OpenGuest, openSandbox, sessionOptions } from './open-sandbox.ts';
export {
  type AddChecks,
  bytesSeemRust,
  isOwnFunction,
  loadPasses,
  type PreparedModule,
  prepareModule,
  prepareModuleNow,
  usePasses,
} from './prepared-module.ts';
export type { RunResult } from './program.ts';
export { loadTimelines } from './recording.ts';
export { disposedMemoryBytes, openSandboxes, type SandboxWatcher, watchSandboxes } from './registry.ts';
export {
  type GuestExports,
  type GuestResult,
  type GuestTypes,
  Sandbox,
} from './sandbox.ts';
export {
  checksOf,
  type PreopenedDirectory,
  SANDBOX_OPTIONS,
  type SandboxOptions,
} from './sandbox-options.ts';
export { type Instantiate, Session, type SessionOptions } from './session.ts';
export { SandboxSnapshot } from './snapshot.ts';
export { loadMismatches } from './starting-mismatches.ts';
export type { Subject, ToolchainInfo } from './subject.ts';
