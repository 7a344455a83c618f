// The door of `instrument`: it turns a linked module into the same module with call-site slots and an offset map.

export { HOOKS_TABLE } from './call-graph.ts';
export { howToLink } from './how-to-link.ts';
export { type CodeOrigin, type InstrumentOptions, instrument, type Pass } from './instrument.ts';
export {
  InstrumentedModule,
  type InstrumentStatistics,
  openInstrumented,
  SECTION_NAME,
} from './instrumented-module.ts';
