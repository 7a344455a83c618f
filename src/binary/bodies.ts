// Function bodies: their ranges, and the declarations of locals that each begins with. Whoever inserts code needs to
// know where the instructions start and which index a further local gets.

import { ByteReader } from './byte-reader.ts';
import { skipValueType } from './instructions.ts';

/** File offsets of a function body: `start` is the count of local declarations, after the body's length. */
export interface Body {
  readonly start: number;
  readonly end: number;
}

/** What the bodies of a module declare, by body. */
export interface BodyHeads {
  /** File offset of the first instruction. */
  readonly code: Uint32Array;
  /** Number of locals, parameters included: the index that the next local gets. */
  readonly locals: Uint32Array;
}

/** Reads the local declarations of one body and returns how many locals they declare. */
function skipLocals(reader: ByteReader): number {
  const groups = reader.count(2);
  let total = 0;
  for (let group = 0; group < groups; group += 1) {
    total += reader.u32();
    reader.offset = skipValueType(reader.bytes, reader.offset);
  }
  return total;
}

/**
 * Reads the heads of bodies whose functions have these numbers of parameters. Throws an InvalidModuleError when the
 * declarations of a body are malformed.
 */
export function readBodyHeads(
  bytes: Uint8Array,
  bodies: readonly Body[],
  parametersOf: (body: number) => number,
): BodyHeads {
  const code = new Uint32Array(bodies.length);
  const locals = new Uint32Array(bodies.length);
  bodies.forEach(({ start, end }, body) => {
    const reader = new ByteReader(bytes, start, end);
    locals[body] = Math.min(parametersOf(body) + skipLocals(reader), 0xffffffff);
    code[body] = reader.offset;
  });
  return { code, locals };
}
