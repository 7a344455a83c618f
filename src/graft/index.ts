// The door of `graft`: a module that was linked without the runtime in, the same module with the runtime out.

export { type FoundRole, type Grafted, graft, hasRuntime } from './graft.ts';
export { graftAndInstrument } from './graft-and-instrument.ts';
