// Attribute forms (DWARF 5, 7.5.6): how to skip a value of each form, and how to read it. A value is read
// into a reusable FormValue (a kind and a number), so that reading an attribute allocates no memory. Strings
// and indexed addresses are resolved only when somebody needs them, because the bases for them may come later
// in the same entry.

import type { UnitFormat } from './abbreviations.ts';
import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';

/** Codes of skip steps. Steps that are not negative are byte counts. */
export const SKIP_LEB = -1;
export const SKIP_BLOCK = -2;
export const SKIP_BLOCK1 = -3;
export const SKIP_BLOCK2 = -4;
export const SKIP_BLOCK4 = -5;
export const SKIP_STRING = -6;
export const SKIP_INDIRECT = -7;
const SKIP_UNKNOWN = -8;

/** What the number in a FormValue means: nothing, because the attribute is absent, … */
export const VALUE_NONE = 0;
/** … an address, or an index into .debug_addr, … */
export const VALUE_ADDRESS = 1;
export const VALUE_ADDRESS_INDEX = 2;
/** … a plain number; flags are 0 and 1, … */
export const VALUE_CONSTANT = 3;
/** … an offset in another section, or an index into the offset table of .debug_rnglists, … */
export const VALUE_SECTION_OFFSET = 4;
export const VALUE_RANGE_LIST_INDEX = 5;
/** … the offset of a zero-terminated string in .debug_info, .debug_str or .debug_line_str, or the index of one, … */
export const VALUE_INLINE_STRING = 6;
export const VALUE_STRING_OFFSET = 7;
export const VALUE_LINE_STRING_OFFSET = 8;
export const VALUE_STRING_INDEX = 9;
/** … the offset of an entry from the start of its unit, or of .debug_info, … */
export const VALUE_UNIT_REFERENCE = 10;
export const VALUE_INFO_REFERENCE = 11;
/** … or a block, signature or reference into a supplementary file, which this reader does not follow. */
export const VALUE_OPAQUE = 12;

export class FormValue {
  kind = VALUE_NONE;
  value = 0;
}

/** The step that skips a value of this form. */
export function skipStepOf(form: number, format: UnitFormat): number {
  switch (form) {
    case dw.DW_FORM_addr:
      return format.addressSize;
    case dw.DW_FORM_ref_addr:
      // This is an address in DWARF 2, and an offset in later versions.
      return format.version <= 2 ? format.addressSize : format.offsetSize;
    case dw.DW_FORM_strp:
    case dw.DW_FORM_line_strp:
    case dw.DW_FORM_sec_offset:
    case dw.DW_FORM_strp_sup:
    case dw.DW_FORM_GNU_ref_alt:
    case dw.DW_FORM_GNU_strp_alt:
      return format.offsetSize;
    case dw.DW_FORM_flag_present:
    case dw.DW_FORM_implicit_const:
      return 0;
    case dw.DW_FORM_data1:
    case dw.DW_FORM_ref1:
    case dw.DW_FORM_flag:
    case dw.DW_FORM_strx1:
    case dw.DW_FORM_addrx1:
      return 1;
    case dw.DW_FORM_data2:
    case dw.DW_FORM_ref2:
    case dw.DW_FORM_strx2:
    case dw.DW_FORM_addrx2:
      return 2;
    case dw.DW_FORM_strx3:
    case dw.DW_FORM_addrx3:
      return 3;
    case dw.DW_FORM_data4:
    case dw.DW_FORM_ref4:
    case dw.DW_FORM_ref_sup4:
    case dw.DW_FORM_strx4:
    case dw.DW_FORM_addrx4:
      return 4;
    case dw.DW_FORM_data8:
    case dw.DW_FORM_ref8:
    case dw.DW_FORM_ref_sig8:
    case dw.DW_FORM_ref_sup8:
      return 8;
    case dw.DW_FORM_data16:
      return 16;
    case dw.DW_FORM_sdata:
    case dw.DW_FORM_udata:
    case dw.DW_FORM_ref_udata:
    case dw.DW_FORM_strx:
    case dw.DW_FORM_addrx:
    case dw.DW_FORM_loclistx:
    case dw.DW_FORM_rnglistx:
    case dw.DW_FORM_GNU_addr_index:
    case dw.DW_FORM_GNU_str_index:
      return SKIP_LEB;
    case dw.DW_FORM_block:
    case dw.DW_FORM_exprloc:
      return SKIP_BLOCK;
    case dw.DW_FORM_block1:
      return SKIP_BLOCK1;
    case dw.DW_FORM_block2:
      return SKIP_BLOCK2;
    case dw.DW_FORM_block4:
      return SKIP_BLOCK4;
    case dw.DW_FORM_string:
      return SKIP_STRING;
    case dw.DW_FORM_indirect:
      return SKIP_INDIRECT;
    default:
      return SKIP_UNKNOWN;
  }
}

/** Skips one value, given its skip step. */
export function skipForm(cursor: Cursor, step: number, format: UnitFormat): void {
  if (step >= 0) {
    cursor.skip(step);
    return;
  }
  switch (step) {
    case SKIP_LEB:
      cursor.uleb();
      return;
    case SKIP_BLOCK:
      cursor.skip(cursor.uleb());
      return;
    case SKIP_BLOCK1:
      cursor.skip(cursor.u8());
      return;
    case SKIP_BLOCK2:
      cursor.skip(cursor.u16());
      return;
    case SKIP_BLOCK4:
      cursor.skip(cursor.u32());
      return;
    case SKIP_STRING:
      cursor.skipString();
      return;
    case SKIP_INDIRECT:
      skipForm(cursor, skipStepOf(indirectForm(cursor), format), format);
      return;
    default:
      cursor.fail('attribute of an unknown form');
  }
}

/** Reads one value of the given form into `into`. */
export function readForm(
  cursor: Cursor,
  form: number,
  implicit: number,
  format: UnitFormat,
  into: FormValue,
): void {
  switch (form) {
    case dw.DW_FORM_addr:
      into.kind = VALUE_ADDRESS;
      into.value = cursor.unsigned(format.addressSize);
      return;
    case dw.DW_FORM_addrx:
    case dw.DW_FORM_GNU_addr_index:
      into.kind = VALUE_ADDRESS_INDEX;
      into.value = cursor.uleb();
      return;
    case dw.DW_FORM_addrx1:
    case dw.DW_FORM_addrx2:
    case dw.DW_FORM_addrx3:
    case dw.DW_FORM_addrx4:
      into.kind = VALUE_ADDRESS_INDEX;
      into.value = cursor.unsigned(form - dw.DW_FORM_addrx1 + 1);
      return;
    case dw.DW_FORM_flag:
    case dw.DW_FORM_data1:
      into.kind = VALUE_CONSTANT;
      into.value = cursor.u8();
      return;
    case dw.DW_FORM_data2:
      into.kind = VALUE_CONSTANT;
      into.value = cursor.u16();
      return;
    case dw.DW_FORM_data4:
      into.kind = VALUE_CONSTANT;
      into.value = cursor.u32();
      return;
    case dw.DW_FORM_data8:
      into.kind = VALUE_CONSTANT;
      into.value = cursor.u64();
      return;
    case dw.DW_FORM_udata:
      into.kind = VALUE_CONSTANT;
      into.value = cursor.uleb();
      return;
    case dw.DW_FORM_sdata:
      into.kind = VALUE_CONSTANT;
      into.value = cursor.sleb();
      return;
    case dw.DW_FORM_implicit_const:
      into.kind = VALUE_CONSTANT;
      into.value = implicit;
      return;
    case dw.DW_FORM_flag_present:
      into.kind = VALUE_CONSTANT;
      into.value = 1;
      return;
    case dw.DW_FORM_string:
      into.kind = VALUE_INLINE_STRING;
      into.value = cursor.skipString();
      return;
    case dw.DW_FORM_strp:
      into.kind = VALUE_STRING_OFFSET;
      into.value = cursor.unsigned(format.offsetSize);
      return;
    case dw.DW_FORM_line_strp:
      into.kind = VALUE_LINE_STRING_OFFSET;
      into.value = cursor.unsigned(format.offsetSize);
      return;
    case dw.DW_FORM_strx:
    case dw.DW_FORM_GNU_str_index:
      into.kind = VALUE_STRING_INDEX;
      into.value = cursor.uleb();
      return;
    case dw.DW_FORM_strx1:
    case dw.DW_FORM_strx2:
    case dw.DW_FORM_strx3:
    case dw.DW_FORM_strx4:
      into.kind = VALUE_STRING_INDEX;
      into.value = cursor.unsigned(form - dw.DW_FORM_strx1 + 1);
      return;
    case dw.DW_FORM_ref1:
      into.kind = VALUE_UNIT_REFERENCE;
      into.value = cursor.u8();
      return;
    case dw.DW_FORM_ref2:
      into.kind = VALUE_UNIT_REFERENCE;
      into.value = cursor.u16();
      return;
    case dw.DW_FORM_ref4:
      into.kind = VALUE_UNIT_REFERENCE;
      into.value = cursor.u32();
      return;
    case dw.DW_FORM_ref8:
      into.kind = VALUE_UNIT_REFERENCE;
      into.value = cursor.u64();
      return;
    case dw.DW_FORM_ref_udata:
      into.kind = VALUE_UNIT_REFERENCE;
      into.value = cursor.uleb();
      return;
    case dw.DW_FORM_ref_addr:
      into.kind = VALUE_INFO_REFERENCE;
      into.value = cursor.unsigned(format.version <= 2 ? format.addressSize : format.offsetSize);
      return;
    case dw.DW_FORM_sec_offset:
      into.kind = VALUE_SECTION_OFFSET;
      into.value = cursor.unsigned(format.offsetSize);
      return;
    case dw.DW_FORM_rnglistx:
      into.kind = VALUE_RANGE_LIST_INDEX;
      into.value = cursor.uleb();
      return;
    case dw.DW_FORM_indirect:
      readForm(cursor, indirectForm(cursor), 0, format, into);
      return;
    default:
      into.kind = VALUE_OPAQUE;
      into.value = 0;
      skipForm(cursor, skipStepOf(form, format), format);
  }
}

/**
 * The form that a DW_FORM_indirect value names. The value may name neither DW_FORM_indirect, because the
 * recursion would have no end, nor DW_FORM_implicit_const, whose value is part of the abbreviation.
 */
function indirectForm(cursor: Cursor): number {
  const form = cursor.uleb();
  if (form === dw.DW_FORM_indirect || form === dw.DW_FORM_implicit_const) {
    cursor.fail('DW_FORM_indirect names a form that it must not');
  }
  return form;
}
