// Typed arrays that grow. They double, so that a value is copied about once, however many come. Arrays of JavaScript take
// several times the memory and the time, which matters for tables of a million rows.

/** The typed arrays that grow here. */
type Numbers =
  | Uint8Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** The array itself when it has room for `length` values; otherwise a copy with room for twice as many as before. */
export function withRoom<A extends Numbers>(values: A, length: number): A {
  if (length <= values.length) return values;
  const copy = new (values.constructor as new (length: number) => A)(Math.max(length, values.length * 2));
  copy.set(values);
  return copy;
}

/** 32-bit integers, one after the other. */
export class GrowableInts {
  #values: Int32Array<ArrayBuffer>;
  /** Number of values. */
  length = 0;

  constructor(capacity = 64) {
    this.#values = new Int32Array(capacity);
  }

  /** Appends a value. @returns its index */
  push(value: number): number {
    if (this.length === this.#values.length) this.#values = withRoom(this.#values, this.length + 1);
    this.#values[this.length] = value;
    return this.length++;
  }

  /** The value at an index. */
  get(index: number): number {
    return this.#values[index]!;
  }

  /** A copy of all values. */
  toArray(): Int32Array<ArrayBuffer> {
    return this.#values.slice(0, this.length);
  }
}

/** Doubles in rows of one width. */
export class GrowableRows {
  #values: Float64Array<ArrayBuffer>;
  /** Number of rows. */
  count = 0;

  constructor(
    /** Values in each row. */
    readonly width: number,
    capacity = 64,
  ) {
    this.#values = new Float64Array(capacity * width);
  }

  /** Appends a row of zeros. @returns its index */
  push(): number {
    this.#values = withRoom(this.#values, (this.count + 1) * this.width);
    return this.count++;
  }

  /** One value of a row. */
  get(row: number, column: number): number {
    return this.#values[row * this.width + column]!;
  }

  /** Adds to one value of a row. */
  add(row: number, column: number, value: number): void {
    this.#values[row * this.width + column]! += value;
  }

  /** A copy of all values, row by row. */
  toArray(): Float64Array<ArrayBuffer> {
    return this.#values.slice(0, this.count * this.width);
  }
}
