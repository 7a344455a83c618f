// A running module as the user sees it, and the session behind it.

export { Boundary, type BoundaryOptions, type HostFrames } from './boundary.ts';
export type { FunctionTable, TableFunction } from './function-table.ts';
export type { Heap, HeapStats } from './heap.ts';
export type { AssertLeaksOptions, LeaksOptions, ProfileOptions } from './heap-options.ts';
export { type PreparedModule, prepareModule } from './prepared-module.ts';
export type { RunResult } from './program.ts';
export { disposedMemoryBytes, openSandboxes, type SandboxWatcher, watchSandboxes } from './registry.ts';
export { type GuestExports, Sandbox } from './sandbox.ts';
export { type Instantiate, Session, type SessionOptions } from './session.ts';
export type { Subject, ToolchainInfo } from './subject.ts';
