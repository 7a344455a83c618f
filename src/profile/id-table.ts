// What has which id in a profile.proto message. Writers number from 1 on, so an array finds nearly all ids; others may be
// any 64-bit integers.

/** Indices by id. */
export class IdTable {
  /** The index plus one of each small id; 0 for none. */
  readonly #small: Int32Array;
  readonly #others = new Map<number | bigint, number>();

  /** @param expected how many ids there will be */
  constructor(expected: number) {
    this.#small = new Int32Array(2 * expected + 64);
  }

  get(id: number | bigint): number | undefined {
    if (typeof id === 'number' && id < this.#small.length) {
      const index = this.#small[id]! - 1;
      return index < 0 ? undefined : index;
    }
    return this.#others.get(id);
  }

  has(id: number | bigint): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number | bigint, index: number): void {
    if (typeof id === 'number' && id < this.#small.length) this.#small[id] = index + 1;
    else this.#others.set(id, index);
  }
}
