// Pointers that the host holds. They are roots of a scan although no guest memory has them. They are counted,
// because two owners on the host's side may hold the same block.

import { savedMap } from '../algorithms/saved.ts';
import { StateError } from '../errors.ts';

/** A multiset of addresses. */
export class HeldPointers {
  readonly #counts = new Map<number, number>();
  /** Grows with each change, so that results with other roots can be recognised. */
  version = 0;

  save(): () => void {
    const counts = savedMap(this.#counts);
    return () => {
      counts();
      this.version++;
    };
  }

  hold(address: number): void {
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
    this.version++;
  }

  release(address: number): void {
    const count = this.#counts.get(address);
    if (count === undefined) {
      throw new StateError(
        `The pointer 0x${address.toString(16)} is not held: heap.release() goes with an earlier heap.hold() of the ` +
          'same pointer.',
      );
    }
    if (count === 1) this.#counts.delete(address);
    else this.#counts.set(address, count - 1);
    this.version++;
  }

  addresses(): IterableIterator<number> {
    return this.#counts.keys();
  }
}
