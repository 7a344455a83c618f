// What a function's values may be, as far as the search for wrappers needs it: sets of kinds, and a number that says more
// about one of them. A value that is a block's address on one path and NULL on the other has both kinds.

/** Kinds of values. Further bits stand for the parameters: see `parameterBit`. */
export const Kind = {
  /** An address in the function's own frame; `at` is its offset. */
  Frame: 1,
  /** An address in a block that was allocated for the caller; `at` is the offset in the block. */
  Block: 2,
  /** A constant; `at` is the constant. */
  Constant: 4,
  /** Anything; `at` is a number by which the same value is known again. */
  Other: 8,
} as const;

const FIRST_PARAMETER = 16;
/** Parameters with a bit of their own. The values of further ones are `Kind.Other`. */
const MOST_PARAMETERS = 26;
/** The bits of all parameters. */
export const PARAMETERS = ((1 << MOST_PARAMETERS) - 1) << 4;

/** The bit of values that are made of a parameter, by any arithmetic. With nothing else, `at` is what was added to it. */
export function parameterBit(index: number): number {
  return index < MOST_PARAMETERS ? FIRST_PARAMETER << index : Kind.Other;
}

/** A set of kinds. */
export interface Value {
  readonly bits: number;
  /** The number of the weightiest kind: `Other`, then `Block`, `Frame`, parameters, `Constant`; NaN when it is not known. */
  readonly at: number;
}

/** A value of one kind. */
export function ofKind(bits: number, at: number): Value {
  return { bits, at };
}

/** Whether a value has no other kinds than these, and has one of them. */
export function isOnly({ bits }: Value, kinds: number): boolean {
  return (bits & kinds) !== 0 && (bits & ~kinds) === 0;
}

/** The kinds by weight; the number of a value belongs to the first that it has. */
function weightiest(bits: number): number {
  if ((bits & Kind.Other) !== 0) return Kind.Other;
  if ((bits & Kind.Block) !== 0) return Kind.Block;
  if ((bits & Kind.Frame) !== 0) return Kind.Frame;
  return bits & PARAMETERS || Kind.Constant;
}

/** Whether the value is NULL and nothing else. */
export function isNull({ bits, at }: Value): boolean {
  return bits === Kind.Constant && at === 0;
}

/** What is either of two values. @param id the number of the result where both are something else */
export function joined(a: Value, b: Value, id: number): Value {
  if (a.bits === b.bits && Object.is(a.at, b.at)) return a;
  const bits = a.bits | b.bits;
  const kind = weightiest(bits);
  // NULL is no value of its own: the other one is known again by its number.
  if (kind === Kind.Other) return ofKind(bits, isNull(a) ? b.at : isNull(b) ? a.at : id);
  const [ofA, ofB] = [weightiest(a.bits) === kind, weightiest(b.bits) === kind];
  return ofKind(bits, ofA && ofB ? (a.at === b.at ? a.at : Number.NaN) : ofA ? a.at : b.at);
}

/** The sum of two values, or with `sign` -1 the difference. @param id the number of a result that is something else */
export function sum(a: Value, b: Value, sign: 1 | -1, id: number): Value {
  if (b.bits === Kind.Constant) return moved(a, sign * b.at, id);
  if (a.bits === Kind.Constant && sign === 1) return moved(b, a.at, id);
  // The difference of two addresses that come from one parameter is a length that the function has measured.
  if (sign === -1 && (a.bits & b.bits & PARAMETERS) !== 0) return ofKind(Kind.Other, id);
  return mixed(a, b, id);
}

function moved(value: Value, by: number, id: number): Value {
  if ((value.bits & Kind.Other) !== 0) return by === 0 ? value : ofKind(value.bits, id);
  return ofKind(value.bits, value.bits === Kind.Constant ? (value.at + by) | 0 : value.at + by);
}

/** What any other arithmetic makes of two values. Constants leave no trace. */
export function mixed(a: Value, b: Value, id: number): Value {
  const bits = a.bits | b.bits;
  const left = bits & ~Kind.Constant;
  if (left === 0) return ofKind(Kind.Constant, Number.NaN);
  return ofKind(left, (left & Kind.Other) !== 0 ? id : Number.NaN);
}

/** The answer to a comparison: a number that depends on the operands and is no address. */
export function compared(a: Value, b: Value, id: number): Value {
  const bits = a.bits | b.bits;
  const parameters = bits & PARAMETERS;
  if ((bits & (Kind.Other | Kind.Block | Kind.Frame)) !== 0) return ofKind(parameters | Kind.Other, id);
  return ofKind(parameters || Kind.Constant, Number.NaN);
}
