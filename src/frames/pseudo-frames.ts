// Names in brackets that stand where no frame can: for calls that are left out, for memory that no function of the
// program allocated, and for code that lies in no module. Readers of profiles match these names, so they never
// change.

import { namedFrame } from './frame.ts';

/** Stands for the calls that a bounded stack has no room for. */
export const TRUNCATED = '[truncated]';
/** Stands for a host stack that was not captured. */
export const HOST = '[host]';
/** Stands for a stack of JavaScript that was left out to save time (`hostFrames: { budget }`). */
export const NOT_CAPTURED = '[JavaScript not captured]';
/** Stands for a stack without any frame, and for a frame without any name. */
export const UNKNOWN = '[unknown]';
/** Stands for the samples that were cut from a profile to make it smaller. */
export const OTHER = '[other]';
/** Stands for JavaScript objects that lived and died between two looks at V8's heap. */
export const COLLECTED = '[collected]';
/** Stands for what Heapline itself holds in V8's heap. */
export const OWN = '[heapline]';
/** Stands for memory outside of V8's heap. */
export const EXTERNAL = '[external]';
/** Stands for the part of `EXTERNAL` that is array buffers. */
export const ARRAY_BUFFERS = '[array buffers]';

/** The mapping that JavaScript code lies in. */
export const JAVASCRIPT = '[javascript]';
/** The mapping of WebAssembly code whose module is not known. */
export const WASM = '[wasm]';

/** The frame of `TRUNCATED`. */
export const TRUNCATED_FRAME = namedFrame(TRUNCATED);
