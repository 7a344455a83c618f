// Source maps of WebAssembly modules (ECMA-426): one generated line whose columns are file offsets of the module that
// the map was made for. They know lines but no inlined calls, and names only where a tool wrote some.

import { TraceMap, traceSegment } from '@jridgewell/trace-mapping';

/** A source map as JSON text or as the parsed object. */
export type SourceMapInput = string | object;

export interface SourcePosition {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** What the map calls the code here; null when it does not say. */
  readonly name: string | null;
}

export class SourcePositions {
  readonly #map: TraceMap;

  /** Throws when the map cannot be read. */
  constructor(map: SourceMapInput) {
    this.#map = new TraceMap(map as ConstructorParameters<typeof TraceMap>[0]);
    traceSegment(this.#map, 0, 0); // decodes, so that a malformed map shows here and not at some later look-up
  }

  /** The position at file offset `offset`; a mapping before `from`, where the function starts, is another function's. */
  at(offset: number, from: number): SourcePosition | null {
    const segment = traceSegment(this.#map, 0, offset);
    if (segment === null || segment.length === 1 || segment[0] < from) return null;
    const [, source, line, column] = segment;
    const file = this.#map.resolvedSources[source] ?? '';
    const name = segment.length === 5 ? (this.#map.names[segment[4]] ?? null) : null;
    return { file: file.replace(/^file:\/\/(?=\/)/, ''), line: line + 1, column: column + 1, name };
  }
}
