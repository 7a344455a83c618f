// A ceiling on the total work that one set of debug sections may cause. Real files spend a small multiple of their
// size; a hostile one (every unit naming the same million-entry range list, say) could otherwise cost its square.

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
