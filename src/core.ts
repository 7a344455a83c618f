// heapline/core: the half of Heapline that runs in a browser. It is experimental: names and types may change in any
// version.

import './web/install.ts';

export * from './errors.ts';
export type { HeapFault } from './frames/index.ts';
export type { HeapBlock, HeapSnapshot, HeapTotals } from './heap/index.ts';
export {
  InstrumentedModule,
  type InstrumentOptions,
  instrument,
  openInstrumented,
} from './instrument/index.ts';
export { type ContextProfileKind, HeapProfile, type ProfileJson, type TopRow } from './profile/index.ts';
export * from './report/index.ts';
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
export { Symbolizer, type SymbolizerOptions } from './symbols/index.ts';
