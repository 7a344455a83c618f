// Where the code keeps variables: DWARF's location expressions and lists of them (DWARF 5, 2.6; DWARF 4, 2.6.2), as far as
// LLVM writes them for WebAssembly. A place holds in a part of the code only.

import { Cursor, type DebugSections, form, type Unit } from '../symbols/debug-entries.ts';
import * as dw from './constants.ts';
import type { ExpressionValue } from './entry.ts';

/**
 * - `local`: the value is in the local of this number
 * - `operand`: it is on the stack of operands, at this height from the bottom
 * - `frame`: it is in memory, so many bytes from the frame base
 * - `static`: it is in memory at this address
 */
export type PlaceKind = 'local' | 'operand' | 'frame' | 'static';

export interface Place {
  readonly kind: PlaceKind;
  readonly value: number;
}

/** Code offsets from `low` up to, but not including, `high`. */
export interface CodeRange {
  readonly low: number;
  readonly high: number;
}

/** Kinds of DW_OP_WASM_location. */
const WASM_LOCAL = 0;
const WASM_OPERAND = 2;

/** The place that an expression names; null for expressions that compute. */
function placeIn(cursor: Cursor, unit: Unit): Place | null {
  if (cursor.position >= cursor.end) return null;
  switch (cursor.u8()) {
    case dw.DW_OP_fbreg:
      return alone(cursor, { kind: 'frame', value: cursor.sleb() });
    case dw.DW_OP_addr:
      return alone(cursor, { kind: 'static', value: cursor.unsigned(unit.addressSize) });
    case dw.DW_OP_addrx: {
      const address = unit.sections.address(form.VALUE_ADDRESS_INDEX, cursor.uleb(), unit);
      return address === null ? null : alone(cursor, { kind: 'static', value: address });
    }
    case dw.DW_OP_WASM_location: {
      const kind = cursor.u8();
      if (kind !== WASM_LOCAL && kind !== WASM_OPERAND) return null;
      const value = cursor.uleb();
      if (cursor.position < cursor.end && cursor.u8() !== dw.DW_OP_stack_value) return null;
      return alone(cursor, { kind: kind === WASM_LOCAL ? 'local' : 'operand', value });
    }
    default:
      return null;
  }
}

function alone(cursor: Cursor, place: Place): Place | null {
  return cursor.position === cursor.end ? place : null;
}

/** The place that an attribute names by an expression; null when it is no expression, or one that computes. */
export function placeOf({ start, end }: ExpressionValue, unit: Unit): Place | null {
  return end > start ? placeIn(expression(unit.sections, '.debug_info', start, end), unit) : null;
}

/**
 * Visits the places of a variable.
 * @param scope the code in which a place holds that is not in a list
 */
export function eachPlace(
  value: ExpressionValue,
  unit: Unit,
  scope: readonly CodeRange[],
  visit: (place: Place, range: CodeRange) => void,
): void {
  if (value.end > value.start) {
    const place = placeOf(value, unit);
    if (place !== null) for (const range of scope) visit(place, range);
    return;
  }
  const offset = listOffset(value, unit);
  if (offset === null) return;
  const visitEntry = (low: number, high: number, cursor: Cursor, length: number): void => {
    const start = cursor.skip(length);
    if (low >= high) return;
    const section = unit.version < 5 ? '.debug_loc' : '.debug_loclists';
    const place = placeIn(expression(unit.sections, section, start, start + length), unit);
    if (place !== null) visit(place, { low, high });
  };
  if (unit.version < 5) eachEntry4(offset, unit, visitEntry);
  else eachEntry5(offset, unit, visitEntry);
}

function expression(
  sections: DebugSections,
  section: '.debug_info' | '.debug_loc' | '.debug_loclists',
  start: number,
  end: number,
): Cursor {
  return new Cursor(sections.bytes(section), section, start, end);
}

function listOffset({ kind, value }: ExpressionValue, unit: Unit): number | null {
  switch (kind) {
    case form.VALUE_SECTION_OFFSET:
      return value;
    // Before DWARF 4, a number is an offset.
    case form.VALUE_CONSTANT:
      return unit.version < 4 ? value : null;
    case form.VALUE_RANGE_LIST_INDEX: {
      const base = unit.locationListsBase;
      const { sections, offsetSize } = unit;
      return base + sections.cursor('.debug_loclists', base + value * offsetSize).unsigned(offsetSize);
    }
    default:
      return null;
  }
}

type VisitEntry = (low: number, high: number, cursor: Cursor, length: number) => void;

function eachEntry4(offset: number, unit: Unit, visit: VisitEntry): void {
  const { sections, addressSize } = unit;
  const cursor = sections.cursor('.debug_loc', offset);
  const newBase = addressSize === 8 ? 2 ** 64 : 2 ** 32 - 1;
  let base = unit.baseAddress;
  for (;;) {
    sections.budget.spend(2 * addressSize, '.debug_loc', cursor.position);
    const low = cursor.unsigned(addressSize);
    const high = cursor.unsigned(addressSize);
    if (low === 0 && high === 0) return;
    if (low === newBase) base = high;
    else visit(base + low, base + high, cursor, cursor.u16());
  }
}

function eachEntry5(offset: number, unit: Unit, visit: VisitEntry): void {
  const { sections, addressSize } = unit;
  const cursor = sections.cursor('.debug_loclists', offset);
  const indexed = (): number => sections.address(form.VALUE_ADDRESS_INDEX, cursor.uleb(), unit)!;
  const address = (): number => cursor.unsigned(addressSize);
  let base = unit.baseAddress;
  for (;;) {
    sections.budget.spend(2 * addressSize, '.debug_loclists', cursor.position);
    const entry = cursor.u8();
    let low = 0;
    let high = Number.POSITIVE_INFINITY;
    switch (entry) {
      case dw.DW_LLE_end_of_list:
        return;
      case dw.DW_LLE_base_addressx:
        base = indexed();
        continue;
      case dw.DW_LLE_base_address:
        base = address();
        continue;
      case dw.DW_LLE_startx_endx:
        low = indexed();
        high = indexed();
        break;
      case dw.DW_LLE_startx_length:
        low = indexed();
        high = low + cursor.uleb();
        break;
      case dw.DW_LLE_offset_pair:
        low = base + cursor.uleb();
        high = base + cursor.uleb();
        break;
      case dw.DW_LLE_default_location:
        break;
      case dw.DW_LLE_start_end:
        low = address();
        high = address();
        break;
      case dw.DW_LLE_start_length:
        low = address();
        high = low + cursor.uleb();
        break;
      default:
        cursor.fail(`entry of unknown kind ${entry}`);
    }
    visit(low, high, cursor, cursor.uleb());
  }
}
