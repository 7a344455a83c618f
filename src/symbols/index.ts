// The door of `symbols`: code offsets in, source frames out.

export type { BodyRange } from './function-bodies.ts';
export type { SourceMapInput } from './source-positions.ts';
export { Symbolizer, type SymbolizerOptions, type SymbolSource } from './symbolizer.ts';
