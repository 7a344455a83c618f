// Chooses the type of a block among those that pointers to it have. A type counts only if it fits the block's size, because
// a pointer may have the type of the first member of what it points to, or of anything at all. Where two types fit equally
// well, none is chosen.

import { ADDRESS_BYTES, type CType, fieldsOf, isText, type RecordType } from '../c-types/index.ts';
import type { Pointed } from './result-walk.ts';
import { isSameType } from './values.ts';

/** What a block contains. */
export interface ChosenType extends Pointed {
  /**
   * - `whole`: one value of the type, up to the end of the block
   * - `first`: a value of the type, which others or anything else may follow
   * - `array`: as many values of the type as fit
   */
  readonly extent: 'whole' | 'first' | 'array';
}

/**
 * @param levels what pointers to the block point to: those of one level are equally near to the allocation, and nearer
 * levels come first
 */
export function chooseType(levels: Iterable<readonly Pointed[]>, size: number): ChosenType | null {
  const inside: (readonly Pointed[])[] = [];
  for (const pointed of levels) {
    const level = pointed.filter(({ shift }) => shift >= 0 && shift < size);
    inside.push(level);
    const records = level.filter(({ type }) => isKnownRecord(type));
    const start = Math.min(...records.map(({ shift }) => shift));
    const exact = firstIn(
      records.filter(({ type, shift }) => shift === start && (type as RecordType).size === size - shift),
    );
    if (exact === 'several') return null;
    if (exact !== null) return { ...exact, extent: 'whole' };
  }
  const all = inside.flat();
  const open = firstIn(
    all.filter(({ type, shift }) => isKnownRecord(type) && fitsOpenEnd(type, size - shift)),
  );
  if (open !== null) return open === 'several' ? null : { ...open, extent: 'whole' };
  if (all.some(({ type }) => isKnownRecord(type))) return chooseFirst(inside, size);
  return chooseArray(all, size);
}

/**
 * A record that is shorter than the block. Allocators put something of their own before what they hand out: what is
 * further inside the block of their callers counts.
 */
function chooseFirst(levels: readonly (readonly Pointed[])[], size: number): ChosenType | null {
  let chosen: Pointed | null = null;
  for (const level of levels) {
    const found = firstIn(level.filter(({ type }) => isKnownRecord(type)));
    if (found === 'several') return null;
    if (found === null || (chosen !== null && chosen.shift >= found.shift)) continue;
    chosen = found;
  }
  return chosen !== null && (chosen.type as RecordType).size < size - chosen.shift
    ? { ...chosen, extent: 'first' }
    : null;
}

/** Arrays of pointers, and characters. Numbers are left out: programs use them to reach whatever memory. */
function chooseArray(pointed: readonly Pointed[], size: number): ChosenType | null {
  const found = firstIn(pointed.filter(({ type }) => isText(type) || isTypedPointer(type)));
  if (found === null || found === 'several') return null;
  if (found.type.kind === 'pointer' && (size - found.shift) % ADDRESS_BYTES !== 0) return null;
  return { ...found, extent: 'array' };
}

function isTypedPointer(type: CType): boolean {
  return type.kind === 'pointer' && (type.target.kind === 'record' || isText(type.target));
}

function isKnownRecord(type: CType): type is RecordType {
  return type.kind === 'record' && !type.incomplete && type.size > 0;
}

/** Whether a record ends with an array that may have any length, and begins in so many bytes. */
function fitsOpenEnd(record: RecordType, size: number): boolean {
  const last = fieldsOf(record).at(-1);
  if (last === undefined || last.type.kind !== 'array' || record.keyword === 'union') return false;
  const { count } = last.type;
  // Before C99, arrays of one element stood for arrays of any length.
  return (count === null || count <= 1) && size >= last.offset && (count !== 1 || size > record.size);
}

/** What lies nearest to the start of the block. */
function firstIn(pointed: readonly Pointed[]): Pointed | 'several' | null {
  const shift = Math.min(...pointed.map((each) => each.shift));
  const [first, ...others] = pointed.filter((each) => each.shift === shift);
  if (first === undefined) return null;
  return others.every(({ type }) => isSameType(first.type, type)) ? first : 'several';
}
