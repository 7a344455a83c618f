// One debugging information entry, read into a reusable record. The record has the attributes that lead from
// a code offset to a name, a file and a line, and from there to the function's declaration; others are skipped.

import type { Abbreviation } from './abbreviations.ts';
import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';
import { FormValue, readForm, skipForm, skipStepOf, VALUE_NONE } from './forms.ts';
import type { Unit } from './unit.ts';

export class Entry {
  readonly name = new FormValue();
  readonly linkageName = new FormValue();
  readonly compilationDirectory = new FormValue();
  readonly dwoName = new FormValue();
  readonly lowPc = new FormValue();
  readonly highPc = new FormValue();
  readonly ranges = new FormValue();
  readonly lineTable = new FormValue();
  readonly abstractOrigin = new FormValue();
  readonly specification = new FormValue();
  readonly declarationFile = new FormValue();
  readonly declarationLine = new FormValue();
  readonly declaration = new FormValue();
  readonly type = new FormValue();
  readonly byteSize = new FormValue();
  readonly encoding = new FormValue();
  readonly callFile = new FormValue();
  readonly callLine = new FormValue();
  readonly callColumn = new FormValue();
  readonly stringOffsetsBase = new FormValue();
  readonly addressBase = new FormValue();
  readonly rangeListsBase = new FormValue();
  readonly locationListsBase = new FormValue();
  readonly #all: readonly FormValue[] = Object.values(this).filter(
    (value): value is FormValue => value instanceof FormValue,
  );

  /** Reads the attributes that follow an abbreviation code, and leaves `cursor` after the last one. */
  read(cursor: Cursor, abbreviation: Abbreviation, unit: Unit): void {
    for (const value of this.#all) value.kind = VALUE_NONE;
    const { attributes, forms, implicit } = abbreviation;
    for (let i = 0; i < attributes.length; i++) {
      const into = this.#slot(attributes[i]!);
      if (into === null) skipForm(cursor, skipStepOf(forms[i]!, unit), unit);
      else readForm(cursor, forms[i]!, implicit[i]!, unit, into);
    }
  }

  #slot(attribute: number): FormValue | null {
    switch (attribute) {
      case dw.DW_AT_name:
        return this.name;
      case dw.DW_AT_linkage_name:
      case dw.DW_AT_MIPS_linkage_name:
        return this.linkageName;
      case dw.DW_AT_comp_dir:
        return this.compilationDirectory;
      case dw.DW_AT_dwo_name:
      case dw.DW_AT_GNU_dwo_name:
        return this.dwoName;
      case dw.DW_AT_low_pc:
        return this.lowPc;
      case dw.DW_AT_high_pc:
        return this.highPc;
      case dw.DW_AT_ranges:
        return this.ranges;
      case dw.DW_AT_stmt_list:
        return this.lineTable;
      case dw.DW_AT_abstract_origin:
        return this.abstractOrigin;
      case dw.DW_AT_specification:
        return this.specification;
      case dw.DW_AT_decl_file:
        return this.declarationFile;
      case dw.DW_AT_declaration:
        return this.declaration;
      case dw.DW_AT_decl_line:
        return this.declarationLine;
      case dw.DW_AT_type:
        return this.type;
      case dw.DW_AT_byte_size:
        return this.byteSize;
      case dw.DW_AT_encoding:
        return this.encoding;
      case dw.DW_AT_call_file:
        return this.callFile;
      case dw.DW_AT_call_line:
        return this.callLine;
      case dw.DW_AT_call_column:
        return this.callColumn;
      case dw.DW_AT_str_offsets_base:
        return this.stringOffsetsBase;
      case dw.DW_AT_addr_base:
      case dw.DW_AT_GNU_addr_base:
        return this.addressBase;
      case dw.DW_AT_rnglists_base:
        return this.rangeListsBase;
      case dw.DW_AT_loclists_base:
        return this.locationListsBase;
      default:
        return null;
    }
  }
}
