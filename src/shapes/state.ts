// What is known at one place of a function: the values of its locals, of the words in its frame, and of the stack pointer.
// Code that was not optimised keeps all its variables in the frame.

import { joined, Kind, ofKind, type Value } from './value.ts';

interface Slot {
  readonly value: Value;
  readonly width: number;
}

/** Numbers of values that come into being where paths meet are negative. Those of instructions are their places. */
const JOINS = 2 ** 16;
const SLOTS = 2 ** 15;
const WIDEST = 16;

export class State {
  readonly locals: Value[];
  readonly #slots: Map<number, Slot>;
  stackPointer: Value;

  constructor(locals: Value[], stackPointer: Value, slots: Map<number, Slot> = new Map()) {
    this.locals = locals;
    this.stackPointer = stackPointer;
    this.#slots = slots;
  }

  copy(): State {
    return new State(this.locals.slice(), this.stackPointer, new Map(this.#slots));
  }

  /** What a copy costs. */
  get size(): number {
    return this.locals.length + this.#slots.size + 1;
  }

  /** What is at this offset of the frame. @param id the number of what is not known */
  load(offset: number, width: number, id: number): Value {
    const slot = this.#slots.get(offset);
    return slot !== undefined && slot.width >= width ? slot.value : ofKind(Kind.Other, id);
  }

  store(offset: number, width: number, value: Value): void {
    for (let at = offset - WIDEST + 1; at < offset + width; at += 1) {
      const slot = this.#slots.get(at);
      if (slot !== undefined && at + slot.width > offset) this.#slots.delete(at);
    }
    this.#slots.set(offset, { value, width });
  }

  /** Something else has the address of what is at this offset of the frame, and may change it; NaN stands for all of it. */
  expose(offset: number): void {
    // A variable of its own is known by its offset. A structure may reach as far as the frame.
    if (this.#slots.delete(offset)) return;
    for (const at of [...this.#slots.keys()]) if (!(at < offset)) this.#slots.delete(at);
  }

  /** Puts another value in all places of a value that is known by its number. */
  replace(id: number, by: Value): void {
    const isMeant = ({ bits, at }: Value): boolean => bits === Kind.Other && at === id;
    this.locals.forEach((value, index) => {
      if (isMeant(value)) this.locals[index] = by;
    });
    for (const [offset, { value, width }] of this.#slots) {
      if (isMeant(value)) this.#slots.set(offset, { value: by, width });
    }
  }

  /** Adds what another path says. @param place where the paths meet @returns whether this has changed anything */
  join(other: State, place: number): boolean {
    let changed = false;
    const meet = (mine: Value, theirs: Value, index: number): Value => {
      const value = joined(mine, theirs, -(place * JOINS + index));
      if (value.bits !== mine.bits || !Object.is(value.at, mine.at)) changed = true;
      return value;
    };
    this.locals.forEach((mine, index) => {
      this.locals[index] = meet(mine, other.locals[index]!, index);
    });
    this.stackPointer = meet(this.stackPointer, other.stackPointer, SLOTS - 1);
    for (const [offset, mine] of this.#slots) {
      const theirs = other.#slots.get(offset);
      if (theirs === undefined || theirs.width !== mine.width) {
        this.#slots.delete(offset);
        changed = true;
      } else {
        const value = meet(mine.value, theirs.value, SLOTS + (offset & (SLOTS - 1)));
        this.#slots.set(offset, { value, width: mine.width });
      }
    }
    return changed;
  }
}
