// The door of `instrument`: a linked module in, the same module with call-site slots and an offset map out.

export { type InstrumentOptions, instrument, type Pass } from './instrument.ts';
export {
  InstrumentedModule,
  type InstrumentStatistics,
  openInstrumented,
  SECTION_NAME,
} from './instrumented-module.ts';
