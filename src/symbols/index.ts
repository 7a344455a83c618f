// The door of `symbols`: it turns code offsets into source frames.

export type { BodyRange } from './function-bodies.ts';
export type { SourceMapInput } from './source-positions.ts';
export { Symbolizer, type SymbolizerOptions, type SymbolSource } from './symbolizer.ts';
