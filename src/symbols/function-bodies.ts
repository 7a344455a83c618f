// The function bodies of a module by code offset. They tell which function an offset is in, and whether debug
// information that claims the code from some offset on can be about this module at all.

import { lastAtMost } from '../algorithms/binary-search.ts';

/** A function body, as offsets from the start of the code section payload. */
export interface BodyRange {
  /** Offset of the local declarations, after the body's length. */
  readonly start: number;
  readonly end: number;
}

export class FunctionBodies {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  /** @param bodies in the order of the code section */
  constructor(bodies: readonly BodyRange[]) {
    this.#starts = new Float64Array(bodies.length);
    this.#ends = new Float64Array(bodies.length);
    for (let index = 0; index < bodies.length; index++) {
      this.#starts[index] = bodies[index]!.start;
      this.#ends[index] = bodies[index]!.end;
    }
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Offset after the last body; 0 if there is none. */
  get end(): number {
    return this.#ends[this.#ends.length - 1] ?? 0;
  }

  /** Index of the body at a code offset, or -1. */
  find(offset: number): number {
    const index = lastAtMost(this.#starts, offset);
    return index >= 0 && offset < this.#ends[index]! ? index : -1;
  }

  /** Offset of the first byte of a body. */
  start(index: number): number {
    return this.#starts[index]!;
  }

  /** Offset of the last byte of a body. */
  lastOf(index: number): number {
    return this.#ends[index]! - 1;
  }

  /**
   * True if a body starts at `offset`. For LLVM (14 to 22 were examined) and Binaryen a function starts at
   * the count of its local declarations, not at the body's length before the count.
   */
  startsBody(offset: number): boolean {
    return this.#starts[lastAtMost(this.#starts, offset)] === offset;
  }

  /** True if a body ends at `offset`. */
  endsBody(offset: number): boolean {
    return this.#ends[lastAtMost(this.#starts, offset - 1)] === offset;
  }
}
