// Where the variables of a function's frame are, when clang has put them between redzones. The function itself says so at
// its beginning: it writes a word by which the frame is recognised, and behind it the address of a text (variables.ts).

import type { FrameVariables, Variables } from './variables.ts';

/** HL_FRAME_MAGIC of csrc/variables.c. */
const MAGIC = 0x41b58ab3;
const DESCRIPTION = 4;
/** HL_RETIRED_MAGIC: the word that the function writes over it before it returns. The redzones are still closed then. */
const RETIRED_MAGIC = 0x45e0360e;

/** Follows what a function writes to its frame. */
export class Frame {
  /** The constants that were written, by their offsets. */
  readonly #constants = new Map<number, number>();
  #start = 0;
  #described = false;
  #layout: FrameVariables | null = null;

  constructor(readonly variables: Variables) {}

  /** Whether the function has variables between redzones. */
  get isDescribed(): boolean {
    return this.#described;
  }

  /** The function writes a constant to a word of its frame. */
  store(offset: number, value: number): void {
    if (this.#layout !== null) return;
    this.#constants.set(offset, value);
    if (value === MAGIC) {
      this.#described = true;
      this.#start = offset;
    }
    const description = this.#constants.get(this.#start + DESCRIPTION);
    if (this.#described && description !== undefined) this.#layout = this.variables.frame(description >>> 0);
  }

  /** Whether a store of a constant says that the frame is about to end. */
  ends(offset: number, value: number): boolean {
    return value === RETIRED_MAGIC && offset === this.#start;
  }

  /** Whether these bytes of the frame may be outside of its variables. */
  needsCheck(from: number, to: number): boolean {
    if (this.#layout === null) return this.#described;
    const [first, end] = [from - this.#start, to - this.#start];
    if (end <= 0 || first >= this.#layout.end) return false;
    return !this.#layout.variables.some((each) => each.from <= first && end <= each.to);
  }
}
