// The public interface of Heapline.

export type { CompileOptions } from './compile/index.ts';
export * from './errors.ts';
export type { HeapBlock, HeapSnapshot, HeapTotals } from './heap/index.ts';
export type {
  Heap,
  HeapFault,
  HeapStats,
  ProfileOptions,
} from './live-heap.ts';
export { type LoadCOptions, type LoadWasmOptions, loadC, loadWasm, type SandboxOptions } from './load.ts';
export { type ContextProfileKind, HeapProfile, type ProfileJson, type TopRow } from './profile/index.ts';
export { type GuestExports, type RunResult, Sandbox, type ToolchainInfo } from './sandbox.ts';
