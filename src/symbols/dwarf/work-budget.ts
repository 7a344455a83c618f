// A limit on the total work that one set of debug sections may cause. Real files need a small multiple of
// their size. A hostile file could otherwise need the square of its size, for example if every unit names the
// same range list of a million entries.

import { DwarfError } from '../../errors.ts';

const ALLOWANCE_PER_BYTE = 8;
const ALLOWANCE_AT_LEAST = 1 << 20;

export class WorkBudget {
  #left: number;

  constructor(sectionBytes: number) {
    this.#left = ALLOWANCE_AT_LEAST + sectionBytes * ALLOWANCE_PER_BYTE;
  }

  /** Charges work, in bytes read. */
  spend(bytes: number, section: string, offset: number): void {
    this.#left -= bytes;
    if (this.#left < 0) {
      throw new DwarfError(
        `${section}: reading it takes far more work than its size explains`,
        section,
        offset,
      );
    }
  }
}
