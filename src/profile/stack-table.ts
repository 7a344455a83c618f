// The stacks of a profile while it is built: a tree in which each stack is its parent and a location. Most stacks have one
// child, and that one is found without a hash table. The others are in a table of pairs, which has about one entry for
// each sample instead of one for each frame.

import { GrowableInts, withRoom } from '../algorithms/growable-array.ts';
import { PairTable } from './pair-table.ts';

/** Numbers stacks from 1 on, in the order in which they are first asked for. Stack 0 is the empty one. */
export class StackTable {
  readonly #parent = new GrowableInts();
  readonly #location = new GrowableInts();
  /** The first child of each stack that is indexed; 0 for none. */
  #firstChild = new Int32Array(64);
  /** All other children, and their numbers. */
  readonly #others = new PairTable();
  readonly #otherStacks = new GrowableInts();
  /** How many of the stacks `number` finds. */
  #indexed = 1;

  constructor() {
    this.#parent.push(0);
    this.#location.push(-1);
  }

  /** How many stacks there are, the empty one included. */
  get count(): number {
    return this.#parent.length;
  }

  /** The number of the stack in which `location` was called from `parent`. A new stack gets the previous `count`. */
  number(parent: number, location: number): number {
    while (this.#indexed < this.count) this.#index(this.#indexed++);
    const first = this.#firstChild[parent] ?? 0;
    if (first === 0 || this.#location.get(first) === location) return first || this.#add(parent, location);
    const other = this.#others.number(parent, location);
    return other < this.#otherStacks.length
      ? this.#otherStacks.get(other)
      : this.#add(parent, location, true);
  }

  /** Adds a stack without checking for an equal one; `number` may then find either. @returns its number */
  append(parent: number, location: number): number {
    this.#parent.push(parent);
    return this.#location.push(location);
  }

  parents(): Int32Array<ArrayBuffer> {
    return this.#parent.toArray();
  }

  locations(): Int32Array<ArrayBuffer> {
    return this.#location.toArray();
  }

  #add(parent: number, location: number, isOther = false): number {
    const stack = this.append(parent, location);
    this.#indexed = this.count;
    if (isOther) this.#otherStacks.push(stack);
    else this.#setFirstChild(parent, stack);
    return stack;
  }

  /** Makes `number` find a stack that was appended. */
  #index(stack: number): void {
    const parent = this.#parent.get(stack);
    const first = this.#firstChild[parent] ?? 0;
    if (first === 0) this.#setFirstChild(parent, stack);
    else if (this.#location.get(first) !== this.#location.get(stack)) {
      const other = this.#others.number(parent, this.#location.get(stack));
      if (other === this.#otherStacks.length) this.#otherStacks.push(stack);
    }
  }

  #setFirstChild(parent: number, stack: number): void {
    this.#firstChild = withRoom(this.#firstChild, parent + 1);
    this.#firstChild[parent] = stack;
  }
}
