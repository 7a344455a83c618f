// Whether a function hands out memory, as its declaration says. Nothing else is left of one that was inlined everywhere.

import * as dw from './constants.ts';
import { Entry } from './entry.ts';
import * as form from './forms.ts';
import type { Unit } from './unit.ts';

/** The unit of an entry in .debug_info. */
type UnitAt = (offset: number) => Unit;

/** A type behind typedefs and qualifiers. */
interface PlainType {
  readonly tag: number;
  readonly entry: Entry;
  readonly unit: Unit;
}

/** How many entries are followed from one to the next. */
const MOST_HOPS = 16;

/**
 * Whether the function of an inlined call returns `void *` and takes an unsigned number, which is how much.
 * @param call offset of the entry of the call
 */
export function handsOutMemory(call: number, unitAt: UnitAt): boolean {
  const entry = new Entry();
  let at: number | null = call;
  for (let hops = 0; at !== null && hops < MOST_HOPS; hops++) {
    const unit = unitAt(at);
    unit.read(at, entry);
    const result = typeOf(entry, unit, unitAt);
    if (result !== null) {
      const isAddress = result.tag === dw.DW_TAG_pointer_type;
      return isAddress && typeOf(result.entry, result.unit, unitAt) === null && takesSize(at, unit, unitAt);
    }
    at = target(entry.abstractOrigin, unit) ?? target(entry.specification, unit);
  }
  return false;
}

/** Whether a parameter of the function whose entry this is, is an unsigned number of at least 32 bits. */
function takesSize(at: number, unit: Unit, unitAt: UnitAt): boolean {
  const cursor = unit.cursor(at);
  const entry = new Entry();
  let depth = unit.read(at, entry, cursor).hasChildren ? 1 : 0;
  while (depth > 0 && cursor.position < cursor.end) {
    const offset = cursor.position;
    if (cursor.uleb() === 0) {
      depth--;
      continue;
    }
    cursor.position = offset;
    const { tag, hasChildren } = unit.read(offset, entry, cursor);
    if (depth === 1 && tag === dw.DW_TAG_formal_parameter) {
      const type = typeOf(entry, unit, unitAt);
      if (type?.tag === dw.DW_TAG_base_type && isWide(type.entry)) return true;
    }
    if (hasChildren) depth++;
  }
  return false;
}

function isWide({ encoding, byteSize }: Entry): boolean {
  if (encoding.kind !== form.VALUE_CONSTANT || byteSize.kind !== form.VALUE_CONSTANT) return false;
  return encoding.value === dw.DW_ATE_unsigned && byteSize.value >= 4;
}

/** The type of what an entry describes; null when that is void. */
function typeOf({ type }: Entry, home: Unit, unitAt: UnitAt): PlainType | null {
  const entry = new Entry();
  let at = target(type, home);
  for (let hops = 0; at !== null && hops < MOST_HOPS; hops++) {
    const unit = unitAt(at);
    const { tag } = unit.read(at, entry);
    if (!dw.NAMES_OF_TYPES.has(tag)) return { tag, entry, unit };
    at = target(entry.type, unit);
  }
  return null;
}

/** Offset of the entry that an attribute refers to; null when there is none. */
function target({ kind, value }: form.FormValue, unit: Unit): number | null {
  if (kind === form.VALUE_UNIT_REFERENCE) return unit.offset + value;
  return kind === form.VALUE_INFO_REFERENCE ? value : null;
}
