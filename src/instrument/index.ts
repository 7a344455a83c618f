// The door of `instrument`: it turns a linked module into the same module with call-site slots and an offset map.

export { type InstrumentOptions, instrument, type Pass } from './instrument.ts';
export {
  InstrumentedModule,
  type InstrumentStatistics,
  openInstrumented,
  SECTION_NAME,
} from './instrumented-module.ts';
