// Growing columns of numbers, and a table that numbers pairs of numbers. Profiles of a million rows are built from
// them, because JavaScript's arrays and maps take several times the memory and the time.

/** A growing column of 32-bit integers. */
export class GrowingInts {
  #values: Int32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 64) {
    this.#values = new Int32Array(capacity);
  }

  /** Appends a value. @returns its index */
  push(value: number): number {
    if (this.length === this.#values.length) this.#values = larger(this.#values, this.length + 1);
    this.#values[this.length] = value;
    return this.length++;
  }

  get(index: number): number {
    return this.#values[index]!;
  }

  /** A copy of the column. */
  toArray(): Int32Array<ArrayBuffer> {
    return this.#values.slice(0, this.length);
  }
}

/** Growing rows of doubles, all of one width. */
export class GrowingRows {
  #values: Float64Array<ArrayBuffer>;
  /** Number of rows. */
  count = 0;

  constructor(
    readonly width: number,
    capacity = 64,
  ) {
    this.#values = new Float64Array(capacity * width);
  }

  /** Appends a row of zeros. @returns its index */
  push(): number {
    const end = (this.count + 1) * this.width;
    if (end > this.#values.length) this.#values = larger(this.#values, end);
    return this.count++;
  }

  get(row: number, column: number): number {
    return this.#values[row * this.width + column]!;
  }

  add(row: number, column: number, value: number): void {
    this.#values[row * this.width + column]! += value;
  }

  /** A copy of all rows, one after the other. */
  toArray(): Float64Array<ArrayBuffer> {
    return this.#values.slice(0, this.count * this.width);
  }
}

/**
 * Numbers pairs of 32-bit integers from 0 on, in the order in which they are first asked for. It is a hash table with
 * open addressing. Each table has another hash function, so nobody can make a file whose pairs all collide.
 */
export class PairTable {
  readonly #first = new GrowingInts();
  readonly #second = new GrowingInts();
  /** In each slot the number of a pair plus one, or 0. */
  #slots = new Int32Array(128);
  #shift = 32 - 7;
  readonly #factor = (Math.random() * 2 ** 32) | 1;
  readonly #otherFactor = (Math.random() * 2 ** 32) | 1;

  /** How many pairs there are. */
  get count(): number {
    return this.#first.length;
  }

  /** The number of a pair. A new pair gets the previous `count`. */
  number(first: number, second: number): number {
    const slot = this.#find(first, second);
    if (this.#slots[slot] !== 0) return this.#slots[slot]! - 1;
    this.#slots[slot] = this.#first.push(first) + 1;
    const number = this.#second.push(second);
    if (this.count * 2 > this.#slots.length) this.#grow();
    return number;
  }

  /** Adds a pair without checking for an equal one; `number` may then find either. @returns its number */
  append(first: number, second: number): number {
    this.#first.push(first);
    return this.#second.push(second);
  }

  /** Makes `number` find the pairs that were appended from this number on. */
  index(from: number): void {
    while (this.count * 2 > this.#slots.length) this.#grow();
    for (let pair = from; pair < this.count; pair++) {
      const slot = this.#find(this.#first.get(pair), this.#second.get(pair));
      if (this.#slots[slot] === 0) this.#slots[slot] = pair + 1;
    }
  }

  firsts(): Int32Array<ArrayBuffer> {
    return this.#first.toArray();
  }

  seconds(): Int32Array<ArrayBuffer> {
    return this.#second.toArray();
  }

  /** The slot of a pair, or the free slot where it belongs. */
  #find(first: number, second: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let mixed = Math.imul(first, this.#factor) + second;
    mixed = Math.imul(mixed ^ (mixed >>> 15), this.#otherFactor);
    for (let slot = mixed >>> this.#shift; ; slot = (slot + 1) & mask) {
      const pair = slots[slot]! - 1;
      if (pair < 0 || (this.#second.get(pair) === second && this.#first.get(pair) === first)) return slot;
    }
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(before.length * 2);
    this.#shift--;
    for (const entry of before) {
      if (entry === 0) continue;
      this.#slots[this.#find(this.#first.get(entry - 1), this.#second.get(entry - 1))] = entry;
    }
  }
}

function larger<A extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(values: A, length: number): A {
  const copy = new (values.constructor as new (length: number) => A)(Math.max(length, values.length * 2));
  copy.set(values);
  return copy;
}
