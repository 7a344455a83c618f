// What is known of the values in a function: which of them differ by a constant only, which are addresses in the
// function's own frame, and which bytes around an address were checked already.
//
// A value is a number and a constant offset: base number and offset of `p`, `p + 8` and `(p + 12) - 4` have the same base.
// Number 0 stands for constants, number 1 for the frame. Locals have a value at each place; where control flow joins,
// locals that differ get a new number.

/** The base of constants: the offset is the value. */
export const CONSTANT = 0;
/** The base of addresses in the frame. */
export const FRAME = 1;
const FIRST = 2;

/** Bytes relative to a base, each range two numbers: the first byte, and the one after the last. */
export type Ranges = readonly number[];
/** Checked bytes by base. */
export type Facts = Map<number, Ranges>;

/** What is known at one place. */
export interface State {
  /** Base and offset of each local. */
  readonly bases: Int32Array;
  readonly offsets: Int32Array;
  facts: Facts;
}

/** Gaps of checked bytes up to this length count as checked: both sides lie in one block. */
const LEAST_GAP = 16;

/** Stands for the base of a local whose values differ where control flow joins. */
const DIFFERS = -1;

/** Numbers the values of one function. */
export class Values {
  #next = FIRST;
  readonly #pure = new Map<string, number>();
  /** Bases of addresses that are somewhere in the frame. */
  readonly #framed = new Set<number>();

  /** A value that nothing is known of. */
  fresh(): number {
    return this.#next++;
  }

  /** True for addresses in the frame, at a constant or at a computed place. */
  isFramed(base: number): boolean {
    return base === FRAME || this.#framed.has(base);
  }

  /** A value of which it is known only that it is an address in the frame. */
  framed(): number {
    const base = this.fresh();
    this.#framed.add(base);
    return base;
  }

  /** The base of the result of an instruction that depends on nothing but its operands. */
  pure(key: string, framed: boolean): number {
    let base = this.#pure.get(key);
    if (base === undefined) {
      base = this.fresh();
      this.#pure.set(key, base);
      if (framed) this.#framed.add(base);
    }
    return base;
  }
}

/** The state at the beginning of a function. */
export function initialState(values: Values, parameters: number, locals: number): State {
  const bases = new Int32Array(locals).fill(CONSTANT);
  for (let index = 0; index < parameters; index += 1) bases[index] = values.fresh();
  return { bases, offsets: new Int32Array(locals), facts: new Map() };
}

export function copyState(state: State): State {
  return { bases: state.bases.slice(), offsets: state.offsets.slice(), facts: new Map(state.facts) };
}

/** Leaves in `into` what is true in both states. */
export function joinStates(into: State, other: State): void {
  const { bases, offsets, facts } = into;
  for (let index = 0; index < bases.length; index += 1) {
    if (bases[index] !== other.bases[index] || offsets[index] !== other.offsets[index])
      bases[index] = DIFFERS;
  }
  for (const [base, ranges] of facts) {
    const others = other.facts.get(base);
    if (others === ranges) continue;
    const both = others === undefined ? [] : intersect(ranges, others);
    if (both.length === 0) facts.delete(base);
    else facts.set(base, both);
  }
}

/** Leaves nothing known: an exception came from anywhere. */
export function forgetLocals(state: State): void {
  state.bases.fill(DIFFERS);
  state.facts = new Map();
}

/** Gives a number to each local whose values differed. */
export function settle(state: State, values: Values): void {
  const { bases, offsets } = state;
  for (let index = 0; index < bases.length; index += 1) {
    if (bases[index] !== DIFFERS) continue;
    bases[index] = values.fresh();
    offsets[index] = 0;
  }
}

function intersect(one: Ranges, other: Ranges): number[] {
  const both: number[] = [];
  for (let i = 0; i < one.length; i += 2) {
    for (let j = 0; j < other.length; j += 2) {
      const start = Math.max(one[i]!, other[j]!);
      const end = Math.min(one[i + 1]!, other[j + 1]!);
      if (start < end) both.push(start, end);
    }
  }
  return both;
}

/** Whether the bytes from `start` up to `end` were checked. */
export function isChecked(facts: Facts, base: number, start: number, end: number): boolean {
  const ranges = facts.get(base);
  if (ranges === undefined) return false;
  for (let i = 0; i < ranges.length; i += 2) if (ranges[i]! <= start && end <= ranges[i + 1]!) return true;
  return false;
}

/** Takes note that bytes were checked. */
export function addChecked(facts: Facts, base: number, start: number, end: number): void {
  let from = start;
  let to = end;
  const kept: number[] = [];
  const ranges = facts.get(base) ?? [];
  for (let i = 0; i < ranges.length; i += 2) {
    const [first, last] = [ranges[i]!, ranges[i + 1]!];
    if (first < to + LEAST_GAP && from < last + LEAST_GAP) {
      from = Math.min(from, first);
      to = Math.max(to, last);
    } else kept.push(first, last);
  }
  kept.push(from, to);
  facts.set(base, kept);
}
