// Source maps of WebAssembly modules (ECMA-426). Such a map has one generated line, whose columns are file
// offsets of the module that the map was made for. It knows lines, but no inlined calls, and it knows names
// only if a tool wrote them.

import { TraceMap, traceSegment } from '@jridgewell/trace-mapping';

/** A source map as JSON text or as the parsed object. */
export type SourceMapInput = string | object;

export interface SourcePosition {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The name that the map gives to the code here; null if the map has none. */
  readonly name: string | null;
}

export class SourcePositions {
  readonly #map: TraceMap;

  /** Throws if the map cannot be read. */
  constructor(map: SourceMapInput) {
    this.#map = new TraceMap(map as ConstructorParameters<typeof TraceMap>[0]);
    traceSegment(this.#map, 0, 0); // decodes the map, so that a malformed one throws here and not at a later look-up
  }

  /**
   * The position at the file offset `offset`. The function starts at `from`; a mapping before it belongs to another
   * function and does not count.
   */
  at(offset: number, from: number): SourcePosition | null {
    const segment = traceSegment(this.#map, 0, offset);
    if (segment === null || segment.length === 1 || segment[0] < from) return null;
    const [, source, line, column] = segment;
    const file = this.#map.resolvedSources[source] ?? '';
    const name = segment.length === 5 ? (this.#map.names[segment[4]] ?? null) : null;
    return { file: file.replace(/^file:\/\/(?=\/)/, ''), line: line + 1, column: column + 1, name };
  }
}
