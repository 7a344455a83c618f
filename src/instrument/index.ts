// The door of `instrument`: it turns a linked module into the same module with call-site slots and an offset map.

export { findRuntime, initialWord } from './find-runtime.ts';
export { howToLink } from './how-to-link.ts';
export {
  type CodeOrigin,
  type InstrumentOptions,
  instrument,
  type Pass,
  type ScannedCalls,
} from './instrument.ts';
export {
  ALLOCATOR_FUNCTION,
  HOOKS_TABLE,
  InstrumentedModule,
  type InstrumentStatistics,
  openInstrumented,
  RECORDER,
  SECTION_NAME,
  type ShadowPlace,
} from './instrumented-module.ts';
export { type CallSites, SiteFlag, scanCalls } from './scan.ts';
export { UNCHECKED_SECTION, uncheckedBodies } from './unchecked-section.ts';
