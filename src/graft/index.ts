// The door of `graft`: a module that was linked without the runtime in, the same module with the runtime out.

export { type FoundRole, type Grafted, graft, graftOrRecord, hasRuntime, record } from './graft.ts';
export { type GraftOptions, graftAndInstrument, graftAs, type RecordOnly } from './graft-and-instrument.ts';
