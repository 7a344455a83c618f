/**
 * The entry `heapline/core`: the half of Heapline that runs in a browser. It is experimental: names and types may
 * change in any version.
 *
 * @module core
 */

import './profile/install-reader.ts';
import './profile/install-presentation.ts';
import './symbols/install-rust-names.ts';
import './symbols/install-source-maps.ts';
import './web/install.ts';

export {
  InstrumentedModule,
  type InstrumentOptions,
  type InstrumentStatistics,
  instrument,
  openInstrumented,
} from './instrument/index.ts';
export { loadBytes as loadWasm } from './sandbox/index.ts';
export * from './shared-exports.ts';
export {
  type SourceMapInput,
  Symbolizer,
  type SymbolizerOptions,
  type SymbolSource,
} from './symbols/index.ts';
