// One debugging information entry with the attributes that describe types, read into a reusable record.

import { type Cursor, form, type Unit } from '../symbols/debug-entries.ts';
import * as dw from './constants.ts';

type FormValue = form.FormValue;
type Abbreviation = ReturnType<Unit['abbreviations']['get']>;

/** A reference to another entry: its offset in .debug_info, or the signature of a type unit. */
export type Reference = number | string;

/** The value of an attribute that is an expression, or a reference to a list of them. */
export class ExpressionValue extends form.FormValue {
  /** Offsets of the expression in .debug_info; both 0 when the attribute is no expression. */
  start = 0;
  end = 0;
}

export class TypeEntry {
  readonly name = new form.FormValue();
  readonly linkageName = new form.FormValue();
  readonly byteSize = new form.FormValue();
  readonly bitSize = new form.FormValue();
  readonly bitOffset = new form.FormValue();
  readonly dataBitOffset = new form.FormValue();
  readonly memberLocation = new form.FormValue();
  readonly encoding = new form.FormValue();
  readonly language = new form.FormValue();
  readonly lowPc = new form.FormValue();
  readonly upperBound = new form.FormValue();
  readonly count = new form.FormValue();
  readonly constValue = new form.FormValue();
  readonly declaration = new form.FormValue();
  readonly external = new form.FormValue();
  readonly artificial = new form.FormValue();
  readonly callingConvention = new form.FormValue();
  readonly file = new form.FormValue();
  readonly line = new form.FormValue();
  readonly highPc = new form.FormValue();
  readonly ranges = new form.FormValue();
  readonly location = new ExpressionValue();
  readonly frameBase = new ExpressionValue();
  readonly #all: readonly FormValue[] = Object.values(this).filter(
    (value): value is FormValue => value instanceof form.FormValue,
  );
  tag = 0;
  hasChildren = false;
  /** The entry that DW_AT_type names; null when there is none, which means void. */
  type: Reference | null = null;
  abstractOrigin: Reference | null = null;
  specification: Reference | null = null;
  signature: Reference | null = null;
  /** The value of an enumerator, exact and without a sign where its form has none. */
  exactValue: bigint | null = null;
  /** Bytes of `exactValue` if its form does not tell whether it has a sign; 0 otherwise. */
  exactBytes = 0;

  /** Reads the attributes that follow an abbreviation code, and leaves `cursor` after the last one. */
  read(cursor: Cursor, abbreviation: Abbreviation, unit: Unit): void {
    for (const value of this.#all) value.kind = form.VALUE_NONE;
    this.tag = abbreviation.tag;
    this.hasChildren = abbreviation.hasChildren;
    this.type = this.abstractOrigin = this.specification = this.signature = null;
    this.exactValue = null;
    this.exactBytes = 0;
    const { attributes, forms, implicit } = abbreviation;
    for (let i = 0; i < attributes.length; i++) {
      this.#attribute(cursor, attributes[i]!, forms[i]!, implicit[i]!, unit);
    }
  }

  #attribute(cursor: Cursor, attribute: number, code: number, implicit: number, unit: Unit): void {
    switch (attribute) {
      case dw.DW_AT_type:
        this.type = readReference(cursor, code, unit);
        return;
      case dw.DW_AT_abstract_origin:
        this.abstractOrigin = readReference(cursor, code, unit);
        return;
      case dw.DW_AT_specification:
        this.specification = readReference(cursor, code, unit);
        return;
      case dw.DW_AT_signature:
        this.signature = readReference(cursor, code, unit);
        return;
      case dw.DW_AT_data_member_location:
        if (isBlock(code)) readLocation(cursor, code, this.memberLocation);
        else form.readForm(cursor, code, implicit, unit, this.memberLocation);
        return;
      case dw.DW_AT_location:
        readExpression(cursor, code, implicit, unit, this.location);
        return;
      case dw.DW_AT_frame_base:
        readExpression(cursor, code, implicit, unit, this.frameBase);
        return;
      case dw.DW_AT_const_value:
        this.#readExact(cursor, code, implicit, unit);
        return;
      default: {
        const into = this.#slot(attribute);
        if (into === null) form.skipForm(cursor, form.skipStepOf(code, unit), unit);
        else form.readForm(cursor, code, implicit, unit, into);
      }
    }
  }

  #slot(attribute: number): FormValue | null {
    switch (attribute) {
      case dw.DW_AT_name:
        return this.name;
      case dw.DW_AT_linkage_name:
      case dw.DW_AT_MIPS_linkage_name:
        return this.linkageName;
      case dw.DW_AT_byte_size:
        return this.byteSize;
      case dw.DW_AT_bit_size:
        return this.bitSize;
      case dw.DW_AT_bit_offset:
        return this.bitOffset;
      case dw.DW_AT_data_bit_offset:
        return this.dataBitOffset;
      case dw.DW_AT_encoding:
        return this.encoding;
      case dw.DW_AT_language:
        return this.language;
      case dw.DW_AT_low_pc:
        return this.lowPc;
      case dw.DW_AT_upper_bound:
        return this.upperBound;
      case dw.DW_AT_count:
        return this.count;
      case dw.DW_AT_declaration:
        return this.declaration;
      case dw.DW_AT_external:
        return this.external;
      case dw.DW_AT_artificial:
        return this.artificial;
      case dw.DW_AT_calling_convention:
        return this.callingConvention;
      case dw.DW_AT_decl_file:
        return this.file;
      case dw.DW_AT_decl_line:
        return this.line;
      case dw.DW_AT_high_pc:
        return this.highPc;
      case dw.DW_AT_ranges:
        return this.ranges;
      default:
        return null;
    }
  }

  // The number of a FormValue is a double, which is not exact for all enumerators of 64 bits.
  #readExact(cursor: Cursor, code: number, implicit: number, unit: Unit): void {
    const start = cursor.position;
    form.readForm(cursor, code, implicit, unit, this.constValue);
    if (this.constValue.kind !== form.VALUE_CONSTANT) return;
    const bytes = cursor.bytes.subarray(start, cursor.position);
    switch (code) {
      case dw.DW_FORM_sdata:
      case dw.DW_FORM_udata:
        this.exactValue = bigLeb(bytes, code === dw.DW_FORM_sdata);
        return;
      case dw.DW_FORM_implicit_const:
        this.exactValue = BigInt(implicit);
        return;
      case dw.DW_FORM_data1:
      case dw.DW_FORM_data2:
      case dw.DW_FORM_data4:
      case dw.DW_FORM_data8:
        this.exactValue = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
        this.exactBytes = bytes.length;
        return;
      default:
        this.exactValue = BigInt(Math.trunc(this.constValue.value));
    }
  }
}

/** The number of an attribute; `none` when the attribute is absent or is no number. */
export function numberOf<None>(value: FormValue, none: None): number | None {
  return value.kind === form.VALUE_CONSTANT ? value.value : none;
}

/** True for a flag that is set. */
export function isSet(value: FormValue): boolean {
  return value.kind === form.VALUE_CONSTANT && value.value !== 0;
}

const reference = new form.FormValue();

function readReference(cursor: Cursor, code: number, unit: Unit): Reference | null {
  if (code === dw.DW_FORM_ref_sig8) return signatureAt(cursor);
  form.readForm(cursor, code, 0, unit, reference);
  if (reference.kind === form.VALUE_UNIT_REFERENCE) return unit.offset + reference.value;
  return reference.kind === form.VALUE_INFO_REFERENCE ? reference.value : null;
}

/** The key of the type unit that the next eight bytes name. */
export function signatureAt(cursor: Cursor): string {
  const low = cursor.u32();
  return `${cursor.u32()}/${low}`;
}

function isBlock(code: number): boolean {
  return (
    code === dw.DW_FORM_exprloc ||
    code === dw.DW_FORM_block ||
    code === dw.DW_FORM_block1 ||
    code === dw.DW_FORM_block2 ||
    code === dw.DW_FORM_block4
  );
}

function blockLength(cursor: Cursor, code: number): number {
  switch (code) {
    case dw.DW_FORM_block1:
      return cursor.u8();
    case dw.DW_FORM_block2:
      return cursor.u16();
    case dw.DW_FORM_block4:
      return cursor.u32();
    default:
      return cursor.uleb();
  }
}

function readExpression(
  cursor: Cursor,
  code: number,
  implicit: number,
  unit: Unit,
  into: ExpressionValue,
): void {
  into.start = into.end = 0;
  if (isBlock(code)) {
    const length = blockLength(cursor, code);
    into.kind = form.VALUE_OPAQUE;
    into.start = cursor.skip(length);
    into.end = cursor.position;
  } else if (code === dw.DW_FORM_loclistx) {
    into.kind = form.VALUE_RANGE_LIST_INDEX;
    into.value = cursor.uleb();
  } else form.readForm(cursor, code, implicit, unit, into);
}

// Up to DWARF 2 the offset of a member is an expression that adds it to the address of its record. A virtual base has
// an expression that reads memory, so its offset is not known here.
function readLocation(cursor: Cursor, code: number, into: FormValue): void {
  const length = blockLength(cursor, code);
  const start = cursor.skip(length);
  const end = cursor.position;
  into.kind = form.VALUE_OPAQUE;
  if (length < 2) return;
  cursor.position = start;
  const operation = cursor.u8();
  const value = cursor.uleb();
  if (operation === dw.DW_OP_plus_uconst && cursor.position === end) {
    into.kind = form.VALUE_CONSTANT;
    into.value = value;
  }
  cursor.position = end;
}

function bigLeb(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 7n) | BigInt(bytes[i]! & 0x7f);
  const negative = signed && (bytes[bytes.length - 1]! & 0x40) !== 0;
  return negative ? value - (1n << BigInt(7 * bytes.length)) : value;
}
