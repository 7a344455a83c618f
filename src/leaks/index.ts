// Door of the leaks: which blocks of a running guest are lost, what a piece of work leaves behind, and whether the
// heap grows. This room reads the guest through heap/ and makes reports of report/.

export {
  GROWTH_OPTIONS,
  type GrowingContext,
  GrowthMeter,
  type GrowthOptions,
  type GrowthReport,
} from './growth.ts';
export { type LeakCapture, LeakFinder, type LeakFinderHost } from './leak-finder.ts';
export { PeakMeter, type ScopePeak } from './peak-meter.ts';
export { type Range, type RootLayout, type Roots, rootLayout } from './roots.ts';
export { type ScannedGroup, scanHeap } from './scan.ts';
export { allocatedSince, type HeapAmount, HeapMark, type ScopeResult } from './scope.ts';
