// From any module to an instrumented one: with the runtime that it was linked with, or with one that is grafted in.

import { readModule } from '../binary/index.ts';
import { type InstrumentedModule, type InstrumentOptions, instrument } from '../instrument/index.ts';
import { type Grafted, graft, graftOrRecord, hasRuntime, record } from './graft.ts';

/** How a module is instrumented that was linked without the runtime. */
export interface GraftOptions extends InstrumentOptions {
  /** Which modules keep their own allocator and are recorded only. Default 'if-needed'. */
  readonly recordOnly?: RecordOnly;
}

/**
 * Which modules that were linked without the runtime keep their own allocator: none, so that those whose allocator cannot
 * be replaced are rejected; those whose allocator cannot be replaced; or all.
 */
export type RecordOnly = 'never' | 'if-needed' | 'always';

const MAKERS: Readonly<Record<RecordOnly, (bytes: Uint8Array) => Grafted>> = {
  never: graft,
  'if-needed': graftOrRecord,
  always: record,
};

/** Puts the runtime, or a recorder, into a module that was linked without the runtime. Throws what `graft` throws. */
export function graftAs(recordOnly: RecordOnly, bytes: Uint8Array): Grafted {
  return MAKERS[recordOnly](bytes);
}

/**
 * Instruments a module. The runtime is grafted in if the module was not linked with it; `notes` of the result say what
 * was found. Throws what `instrument` and `graft` throw.
 */
export function graftAndInstrument(bytes: Uint8Array, options: GraftOptions = {}): InstrumentedModule {
  if (hasRuntime(readModule(bytes))) return instrument(bytes, options);
  const { bytes: grafted, origin } = graftAs(options.recordOnly ?? 'if-needed', bytes);
  return instrument(grafted, options, [], origin);
}
