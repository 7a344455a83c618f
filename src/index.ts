/**
 * The entry `heapline`: compile and load C, run it, and ask about its heap.
 *
 * @module heapline
 */

// test/types pins the names and the types behind them.

import './loading/install-store.ts';
import './node/install.ts';
import './page/install.ts';
import './profile/install-reader.ts';
import './profile/install-presentation.ts';
import './serve/join.ts';

export type { Attach, Attached, AttachOptions, CreateModule } from './attach/index.ts';
export { attach } from './attach/lazy.ts';
export type { CompileOptions, ToolchainName } from './compile/index.ts';
export {
  type LoadCOptions,
  type LoadWasmOptions,
  loadC,
  loadWasm,
} from './loading/index.ts';
export { formatHtml, type ReportHtmlOptions } from './page/format-html.ts';
export * from './shared-exports.ts';
export type {
  SweepFinding,
  SweepFindingKind,
  SweepMode,
  SweepOptions,
  SweepOutcome,
  SweepProgress,
  SweepReport,
  SweepWork,
  SweptAllocation,
  UntriedAllocation,
} from './sweep/index.ts';
export { sweep } from './sweep/lazy.ts';
