// The door of `instrument`: it turns a linked module into the same module with call-site slots and an offset map.

export { howToLink } from './how-to-link.ts';
export { type CodeOrigin, type InstrumentOptions, instrument, type Pass } from './instrument.ts';
export {
  HOOKS_TABLE,
  InstrumentedModule,
  type InstrumentStatistics,
  openInstrumented,
  SECTION_NAME,
} from './instrumented-module.ts';
