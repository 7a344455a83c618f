// A table that numbers pairs of numbers. Profiles of a million rows are built with it, because JavaScript's maps take
// several times the memory and the time.

import { GrowableInts } from '../algorithms/growable-array.ts';

/**
 * Numbers pairs of 32-bit integers from 0 on, in the order in which they are first asked for. It is a hash table with
 * open addressing. Each table has another hash function, so nobody can make a file whose pairs all collide.
 */
export class PairTable {
  readonly #first = new GrowableInts();
  readonly #second = new GrowableInts();
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
