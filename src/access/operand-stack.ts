// The values on the stack of operands: the base and the offset of each (values.ts). Storage is kept when values are taken
// off, because setting the length of an array takes long.

/** A stack of values. */
export class OperandStack {
  readonly #bases: number[] = [];
  readonly #offsets: number[] = [];
  height = 0;

  push(base: number, offset: number): void {
    this.#bases[this.height] = base;
    this.#offsets[this.height] = offset | 0;
    this.height += 1;
  }

  /** The base of the value at this height. A value stays readable after it was taken off, until the next push. */
  base(height: number): number {
    return this.#bases[height]!;
  }

  offset(height: number): number {
    return this.#offsets[height]!;
  }
}
