/**
 * The entry `heapline/browser`: heap profiles and leak checks of the modules of a page.
 *
 * @module browser
 */

import './web/install-writing.ts';

export type { Attach, Attached, AttachOptions, CreateModule } from './attach/index.ts';
export { attach, prepareGrafting } from './attach/lazy.ts';
export type { Pointer, StructView, ViewFunction } from './c-types/index.ts';
export * from './errors.ts';
export type { Frame, HeapFault } from './frames/index.ts';
export type { GrowthOptions, GrowthReport, HeapMark, ScopeResult } from './leaks/index.ts';
export { HeapProfile } from './profile/index.ts';
export {
  formatText,
  type GrowingPlace,
  LeakError,
  type LeakGrowth,
  LeakReport,
  type TextOptions,
} from './report/index.ts';
export {
  type AssertLeaksOptions,
  type GuestExports,
  type GuestResult,
  type GuestTypes,
  type Heap,
  type HeapMode,
  type HeapStats,
  type HostFrames,
  type LeaksOptions,
  loadBytes as loadWasm,
  loadViews,
  type ModuleOptions,
  type ProfileOptions,
  type RecordOnly,
  Sandbox,
} from './sandbox/index.ts';
export { type DownloadOptions, downloadProfile } from './web/download.ts';
