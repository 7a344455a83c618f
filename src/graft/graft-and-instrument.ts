// From any module to an instrumented one: with the runtime that it was linked with, or with one that is grafted in.

import { readModule } from '../binary/index.ts';
import { type InstrumentedModule, type InstrumentOptions, instrument } from '../instrument/index.ts';
import { graft, hasRuntime } from './graft.ts';

/**
 * Instruments a module. The runtime is grafted in if the module was not linked with it; `notes` of the result say what
 * was found. Throws what `instrument` and `graft` throw.
 */
export function graftAndInstrument(bytes: Uint8Array, options: InstrumentOptions = {}): InstrumentedModule {
  if (hasRuntime(readModule(bytes))) return instrument(bytes, options);
  const { bytes: grafted, origin } = graft(bytes);
  return instrument(grafted, options, [], origin);
}
