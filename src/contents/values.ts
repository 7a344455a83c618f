// What the walk through a function knows of a value on the stack of operands or in a local. It is called followed when it is
// the result of the call that the walk is about.

import { ADDRESS_BYTES, type CType, fieldsOf, type ModuleTypes, nameOf, sizeOf } from '../c-types/index.ts';

export interface Value {
  /** Whether it is the result that is followed, or an address `shift` bytes behind it. */
  readonly followed: boolean;
  readonly shift: number;
  /** What it points to. */
  readonly target: CType | null;
  /** Bytes from the start of `target`, or from the frame base, or the number itself. */
  readonly offset: number;
  /** Whether it is an address in the frame. */
  readonly framed: boolean;
  /** Whether it is a number that the code contains. */
  readonly constant: boolean;
  /** For a condition, whether it is true when the result is NULL, or when it is not. */
  readonly test: 'null' | 'not null' | null;
}

const PLAIN: Value = {
  followed: false,
  shift: 0,
  target: null,
  offset: 0,
  framed: false,
  constant: false,
  test: null,
};

/** A value that nothing is known of. */
export const UNKNOWN_VALUE = PLAIN;
/** The result of the call. */
export const FOLLOWED: Value = { ...PLAIN, followed: true };
/** The address of the frame. */
export const FRAME: Value = { ...PLAIN, framed: true };

export function constantOf(value: number): Value {
  return { ...PLAIN, constant: true, offset: value };
}

export function pointerTo(target: CType): Value {
  return { ...PLAIN, target };
}

/** The value when it is known what it points to. */
export function withTarget(value: Value, target: CType | null): Value {
  return target === null || value.target !== null || value.framed ? value : { ...value, target, offset: 0 };
}

/** The sum of two values. */
export function sumOf(a: Value, b: Value): Value {
  if (a.constant && b.constant) return constantOf((a.offset + b.offset) | 0);
  const [pointer, added] = a.constant ? [b, a] : [a, b];
  if (added.constant) {
    if (added.offset === 0) return pointer;
    const { framed, followed, target, shift, offset } = pointer;
    if (!framed && !followed && target === null) return PLAIN;
    return {
      ...pointer,
      shift: followed ? shift + added.offset : 0,
      offset: framed || target !== null ? offset + added.offset : 0,
      test: null,
    };
  }
  // An element of an array, at an index that is not known.
  const array = a.target !== null ? a : b;
  return array.target?.kind === 'pointer' ? pointerTo(array.target) : PLAIN;
}

/** Whether two values are equal, or are not, as a condition. */
export function comparisonOf(a: Value, b: Value, equal: boolean): Value {
  const [value, other] = a.constant ? [b, a] : [a, b];
  if (!other.constant || other.offset !== 0) return PLAIN;
  return conditionOf(value, equal);
}

/** The value as a condition, or its opposite. */
export function conditionOf(value: Value, negated: boolean): Value {
  const test = value.test ?? (value.followed && value.shift === 0 ? 'not null' : null);
  if (test === null) return PLAIN;
  return { ...PLAIN, test: negated === (test === 'null') ? 'not null' : 'null' };
}

/** What is known of a value that comes on two ways. Its being the result is known if it is so on one of them. */
export function joinOf(a: Value, b: Value): Value {
  if (a === b) return a;
  // A pointer that may have moved on, as in a loop.
  if (a.followed && b.followed && a.shift !== b.shift) return PLAIN;
  const same =
    a.target === b.target && a.offset === b.offset && a.framed === b.framed && a.constant === b.constant;
  const known = same ? { ...a, test: a.test === b.test ? a.test : null } : PLAIN;
  const { followed, shift } = a.followed ? a : b;
  return known.followed === followed && known.shift === shift ? known : { ...known, followed, shift };
}

/** How deep records are looked into. */
const DEEPEST = 16;

/** What the pointer at an offset of a type points to; null when there is none, or when a union has several. */
export function pointedAt(type: CType, offset: number, depth = 0): CType | null {
  if (offset < 0 || depth > DEEPEST) return null;
  switch (type.kind) {
    case 'pointer':
      return offset === 0 ? type.target : null;
    case 'array': {
      const size = sizeOf(type.element);
      return size === 0 ? null : pointedAt(type.element, offset % size, depth + 1);
    }
    case 'record': {
      let found: CType | null = null;
      for (const field of fieldsOf(type)) {
        const size = sizeOf(field.type);
        const isFlexible = size === 0 && field.type.kind === 'array';
        if (offset < field.offset || (offset >= field.offset + size && !isFlexible)) continue;
        const target = pointedAt(field.type, offset - field.offset, depth + 1);
        if (target === null) continue;
        if (found !== null && !isSameType(found, target)) return null;
        found = target;
      }
      return found;
    }
    default:
      return null;
  }
}

/** Whether two types are one: each unit of a program describes the types that it uses. */
export function isSameType(a: CType, b: CType): boolean {
  return a === b || (a.kind === b.kind && nameOf(a) === nameOf(b) && sizeOf(a) === sizeOf(b) && isNamed(a));
}

function isNamed(type: CType): boolean {
  return type.kind !== 'record' || type.name !== null;
}

/** What the pointer in the static data at this address points to; null when it is not known. */
export function pointedAtStatic(address: number, types: ModuleTypes): CType | null {
  const variable = types.staticBefore(address);
  if (variable === undefined) return null;
  const inside = address - variable.address;
  return inside < Math.max(sizeOf(variable.type), ADDRESS_BYTES) ? pointedAt(variable.type, inside) : null;
}

/** What a pointer to an element points to: one value, or the first of many. */
export function arrayOf(element: CType): CType {
  return { kind: 'array', element, count: null };
}
