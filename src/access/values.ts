// What is known of the values in a function: which of them differ by a constant only, and which are addresses in the
// function's own frame.
//
// A value is a number and a constant offset: base number and offset of `p`, `p + 8` and `(p + 12) - 4` have the same base.
// Number 0 stands for constants, number 1 for the frame. Locals have a value at each place; where control flow joins,
// locals that differ get a new number.

import { type Facts, factsOfBoth } from './facts.ts';

/** The base of constants: the offset is the value. */
export const CONSTANT = 0;
/** The base of addresses in the frame. */
export const FRAME = 1;
const FIRST = 2;

/** What is known at one place. */
export interface State {
  /** Base and offset of each local, in turn, and of the stack pointer. */
  locals: number[];
  facts: Facts;
}

/** What is known of a value beside its base. */
export const Mark = {
  None: 0,
  /** It is an address in the frame. */
  Frame: 1,
  /** It is an address of the shadow: the code looks after redzones (variables.ts). */
  Shadow: 2,
} as const;
export type MarkCode = (typeof Mark)[keyof typeof Mark];

/** Stands for the base of a local whose values differ where control flow joins. */
const DIFFERS = -1;

/** Numbers of an entry in the table of results: the opcode, bases and offsets of both operands, and the result's base. */
const ENTRY = 6;
const LEAST_ENTRIES = 32;
/** Bytes of code for which the table has an entry at first. So it rarely grows: it is at most half full. */
const BYTES_OF_ENTRY = 8;

/** Numbers the values of one function. */
export class Values {
  #next = FIRST;
  /** A hash table of the results of instructions that depend on nothing but their operands. */
  #results: Int32Array;
  #count = 0;
  readonly #marks = new Map<number, MarkCode>();

  /** @param length of the function's code, in bytes */
  constructor(length: number) {
    const entries = Math.max(LEAST_ENTRIES, Math.ceil(length / BYTES_OF_ENTRY));
    this.#results = new Int32Array(entries * ENTRY);
  }

  /** A value that nothing is known of. Its number is higher than all before. */
  fresh(): number {
    return this.#next++;
  }

  /** What is known of values with this base. */
  markOf(base: number): MarkCode {
    if (base === FRAME) return Mark.Frame;
    return this.#marks.size === 0 ? Mark.None : (this.#marks.get(base) ?? Mark.None);
  }

  /** A value of which nothing else is known. */
  marked(mark: MarkCode): number {
    const base = this.fresh();
    if (mark !== Mark.None) this.#marks.set(base, mark);
    return base;
  }

  /** The base of the result of an instruction that depends on nothing but its operands. */
  pure(
    opcode: number,
    base: number,
    offset: number,
    right: number,
    rightOffset: number,
    mark: MarkCode,
  ): number {
    if ((this.#count + 1) * 2 * ENTRY > this.#results.length) this.#grow();
    const results = this.#results;
    const at = placeOf(results, opcode, base, offset, right, rightOffset);
    if (results[at] !== 0) return results[at + 5]!;
    const result = this.marked(mark);
    this.#count += 1;
    write(results, at, opcode, base, offset, right, rightOffset, result);
    return result;
  }

  #grow(): void {
    const old = this.#results;
    this.#results = new Int32Array(old.length * 4);
    for (let at = 0; at < old.length; at += ENTRY) {
      if (old[at] === 0) continue;
      const [opcode, base, offset, right, rightOffset, result] = old.subarray(at, at + ENTRY);
      const to = placeOf(this.#results, opcode!, base!, offset!, right!, rightOffset!);
      write(this.#results, to, opcode!, base!, offset!, right!, rightOffset!, result!);
    }
  }
}

/** Index of the entry with these operands, or of the one where it belongs. Opcodes are not 0. */
function placeOf(
  results: Int32Array,
  opcode: number,
  base: number,
  offset: number,
  right: number,
  rightOffset: number,
): number {
  let hash = Math.imul(base, 0x9e3779b1) ^ Math.imul(right + opcode, 0x85ebca6b);
  hash = Math.imul(hash ^ (offset + (rightOffset << 8)), 0xc2b2ae35);
  const entries = results.length / ENTRY;
  let entry = (hash >>> 8) % entries;
  for (;;) {
    const at = entry * ENTRY;
    if (results[at] === 0) return at;
    if (
      results[at] === opcode &&
      results[at + 1] === base &&
      results[at + 2] === offset &&
      results[at + 3] === right &&
      results[at + 4] === rightOffset
    )
      return at;
    entry = entry + 1 === entries ? 0 : entry + 1;
  }
}

function write(
  results: Int32Array,
  at: number,
  opcode: number,
  base: number,
  offset: number,
  right: number,
  rightOffset: number,
  result: number,
): void {
  results[at] = opcode;
  results[at + 1] = base;
  results[at + 2] = offset;
  results[at + 3] = right;
  results[at + 4] = rightOffset;
  results[at + 5] = result;
}

/** The state at the beginning of a function. Behind its locals comes the stack pointer. */
export function initialState(values: Values, parameters: number, count: number): State {
  const locals: number[] = [];
  for (let index = 0; index < count; index += 1) {
    locals.push(index < parameters ? values.fresh() : CONSTANT, 0);
  }
  locals.push(FRAME, 0);
  return { locals, facts: null };
}

export function copyState(state: State): State {
  return { locals: state.locals.slice(), facts: state.facts };
}

/** Leaves in `into` what is true in both states. */
export function joinStates(into: State, other: State): void {
  const mine = into.locals;
  const theirs = other.locals;
  for (let index = 0; index < mine.length; index += 2) {
    if (mine[index] !== theirs[index] || mine[index + 1] !== theirs[index + 1]) mine[index] = DIFFERS;
  }
  into.facts = factsOfBoth(into.facts, other.facts);
}

/** Leaves nothing known: an exception came from anywhere. */
export function forgetLocals(state: State): void {
  state.locals.fill(DIFFERS);
  state.facts = null;
}

/** Gives a number to each local whose values differed. */
export function settle({ locals }: State, values: Values): void {
  for (let index = 0; index < locals.length; index += 2) {
    if (locals[index] !== DIFFERS) continue;
    locals[index] = values.fresh();
    locals[index + 1] = 0;
  }
}
