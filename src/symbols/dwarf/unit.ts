// One unit of .debug_info (DWARF 5, 7.5.1): its header, the facts about the whole unit in its root entry, and
// its line table, which is read at the first request.

import { DwarfError } from '../../errors.ts';
import { type Abbreviation, AbbreviationTable, type UnitFormat } from './abbreviations.ts';
import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';
import type { Entry } from './entry.ts';
import * as form from './forms.ts';
import { LineTable, readInitialLength } from './line-table.ts';
import type { DebugSections, RangeVisitor } from './sections.ts';

export class Unit implements UnitFormat {
  /** Name and compilation directory of the primary source file, as the compiler wrote them. */
  name = '';
  compilationDirectory = '';
  /** Path of the file with the entries of this unit if they were split off; null otherwise. */
  splitFile: string | null = null;
  /** The address to which the offsets in range lists are relative. */
  baseAddress = 0;
  stringOffsetsBase: number;
  addressBase: number;
  rangeListsBase: number;
  locationListsBase: number;
  /** True if the root entry says where the unit's code lies, even if there is no code. */
  hasRanges = false;
  #lineTableOffset = -1;
  #lineTable: LineTable | null = null;

  constructor(
    readonly sections: DebugSections,
    /** Offset of the header in .debug_info. */
    readonly offset: number,
    /** Offset of the root entry. */
    readonly entries: number,
    /** Offset after the unit. */
    readonly end: number,
    readonly version: number,
    readonly offsetSize: number,
    readonly addressSize: number,
    readonly abbreviations: AbbreviationTable,
    readonly type: number,
  ) {
    // If the unit does not say where its tables start, they start after the header that version 5 puts before each.
    const headers = version >= 5;
    this.stringOffsetsBase = headers ? 2 * offsetSize : 0;
    this.addressBase = headers ? 2 * offsetSize : 0;
    this.rangeListsBase = headers ? 2 * offsetSize + 4 : 0;
    this.locationListsBase = this.rangeListsBase;
  }

  /** A cursor at an entry of this unit; `offset` counts from the start of .debug_info. */
  cursor(offset: number): Cursor {
    if (!(offset >= this.entries && offset < this.end)) {
      throw new DwarfError(
        `.debug_info: reference to offset 0x${offset.toString(16)}, where no entry is`,
        '.debug_info',
        offset,
      );
    }
    const cursor = this.sections.cursor('.debug_info', offset);
    cursor.end = this.end;
    return cursor;
  }

  /** Reads the entry at `offset` into `entry`. @param cursor is there, and is left behind the entry */
  read(offset: number, entry: Entry, cursor = this.cursor(offset)): Abbreviation {
    const abbreviation = this.abbreviations.get(cursor.uleb(), offset);
    this.sections.budget.spend(abbreviation.forms.length + 1, '.debug_info', offset);
    entry.read(cursor, abbreviation, this);
    return abbreviation;
  }

  /** Reads the root entry and visits the ranges of the unit's code. */
  open(entry: Entry, visit: RangeVisitor): void {
    this.read(this.entries, entry);
    if (entry.stringOffsetsBase.kind !== form.VALUE_NONE)
      this.stringOffsetsBase = entry.stringOffsetsBase.value;
    if (entry.addressBase.kind !== form.VALUE_NONE) this.addressBase = entry.addressBase.value;
    if (entry.rangeListsBase.kind !== form.VALUE_NONE) this.rangeListsBase = entry.rangeListsBase.value;
    if (entry.locationListsBase.kind !== form.VALUE_NONE)
      this.locationListsBase = entry.locationListsBase.value;
    if (entry.lineTable.kind !== form.VALUE_NONE) this.#lineTableOffset = entry.lineTable.value;
    this.name = this.string(entry.name) ?? '';
    this.compilationDirectory = this.string(entry.compilationDirectory) ?? '';
    this.splitFile = this.string(entry.dwoName);
    this.baseAddress = this.sections.address(entry.lowPc.kind, entry.lowPc.value, this) ?? 0;
    this.hasRanges = this.visitRanges(entry, visit);
  }

  string(value: form.FormValue): string | null {
    return this.sections.string(value.kind, value.value, this);
  }

  /** Visits the ranges of an entry's code; returns false if the entry has no ranges. */
  visitRanges(entry: Pick<Entry, 'lowPc' | 'highPc' | 'ranges'>, visit: RangeVisitor): boolean {
    const { lowPc, highPc, ranges } = entry;
    if (lowPc.kind !== form.VALUE_NONE && highPc.kind !== form.VALUE_NONE) {
      const low = this.sections.address(lowPc.kind, lowPc.value, this);
      if (low === null) return false;
      // This is an address or, since DWARF 4, the size of the code.
      const high = this.sections.address(highPc.kind, highPc.value, this) ?? low + highPc.value;
      visit(low, high);
      return true;
    }
    if (ranges.kind === form.VALUE_NONE) return false;
    this.sections.ranges(ranges.kind, ranges.value, this, visit);
    return true;
  }

  /** The unit's line table; null if it has none. */
  lineTable(codeEnd: number): LineTable | null {
    if (this.#lineTable === null && this.#lineTableOffset >= 0) {
      this.#lineTable = new LineTable(
        this.sections,
        this.#lineTableOffset,
        this.compilationDirectory,
        this.addressSize,
        codeEnd,
      );
    }
    return this.#lineTable;
  }
}

/**
 * Reads the headers of all units. Reports a header that cannot be read, and continues with the next unit if
 * possible.
 */
export function readUnits(sections: DebugSections, report: (error: DwarfError) => void): Unit[] {
  const units: Unit[] = [];
  const tables = new Map<string, AbbreviationTable>();
  const cursor = sections.cursor('.debug_info', 0);
  const sectionEnd = cursor.end;
  try {
    while (cursor.position < sectionEnd) {
      const offset = cursor.position;
      cursor.end = sectionEnd;
      const { length, offsetSize } = readInitialLength(cursor);
      const end = cursor.position + length;
      if (end > sectionEnd) cursor.fail('unit is longer than its section');
      cursor.end = end;
      try {
        units.push(readUnit(sections, cursor, offset, offsetSize, tables));
      } catch (error) {
        if (!(error instanceof DwarfError)) throw error;
        report(error);
      }
      cursor.position = end;
    }
  } catch (error) {
    if (!(error instanceof DwarfError)) throw error;
    report(error);
  }
  return units;
}

function readUnit(
  sections: DebugSections,
  cursor: Cursor,
  offset: number,
  offsetSize: number,
  tables: Map<string, AbbreviationTable>,
): Unit {
  const version = cursor.u16();
  if (version < 2 || version > 5) cursor.fail(`unit of DWARF version ${version}, 2 to 5 can be read,`);
  let type = 0;
  let addressSize: number;
  let abbreviationsOffset: number;
  if (version >= 5) {
    type = cursor.u8();
    addressSize = cursor.u8();
    abbreviationsOffset = cursor.unsigned(offsetSize);
    if (type === dw.DW_UT_skeleton || type === dw.DW_UT_split_compile) cursor.skip(8);
    else if (type === dw.DW_UT_type || type === dw.DW_UT_split_type) cursor.skip(8 + offsetSize);
  } else {
    abbreviationsOffset = cursor.unsigned(offsetSize);
    addressSize = cursor.u8();
  }
  if (addressSize !== 4 && addressSize !== 8) cursor.fail(`addresses of ${addressSize} bytes`);
  const key = `${abbreviationsOffset}/${version}/${offsetSize}/${addressSize}`;
  let table = tables.get(key);
  if (table === undefined) {
    const format = { version, offsetSize, addressSize };
    table = new AbbreviationTable(
      sections.bytes('.debug_abbrev'),
      abbreviationsOffset,
      format,
      sections.budget,
    );
    tables.set(key, table);
  }
  return new Unit(
    sections,
    offset,
    cursor.position,
    cursor.end,
    version,
    offsetSize,
    addressSize,
    table,
    type,
  );
}
