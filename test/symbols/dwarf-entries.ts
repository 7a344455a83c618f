// Entries and line tables for the assembler: the numbers that DWARF gives to attributes, forms and tags, and the
// units that several tests use.

import type { Symbolizer } from '../../src/symbols/index.ts';
import { type Die, FUNCTIONS, type UnitShape } from './assembler.ts';

export const AT = {
  name: 0x03,
  stmtList: 0x10,
  low: 0x11,
  high: 0x12,
  directory: 0x1b,
  constant: 0x1c,
  origin: 0x31,
  line: 0x3b,
  location: 0x02,
  specification: 0x47,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  linkageName: 0x6e,
  stringOffsetsBase: 0x72,
  addressBase: 0x73,
  rangeListsBase: 0x74,
} as const;
export const FORM = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  data16: 0x1e,
  lineStrp: 0x1f,
  sig8: 0x20,
  implicit: 0x21,
  rnglistx: 0x23,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
} as const;
export const TAG = {
  compileUnit: 0x11,
  inlined: 0x1d,
  subprogram: 0x2e,
  variable: 0x34,
  block: 0x0b,
} as const;

export function names(symbolizer: Symbolizer, offset: number): string[] {
  return symbolizer.frames(offset).map((frame) => frame.function);
}

export function subprogram(name: string, which: number, extra: Partial<Die> = {}): Die {
  const { low, high } = FUNCTIONS[which]!;
  return {
    tag: TAG.subprogram,
    ...extra,
    attributes: [
      [AT.low, FORM.addr, low],
      [AT.high, FORM.data4, high - low],
      [AT.name, FORM.string, name],
      ...(extra.attributes ?? []),
    ],
  };
}

export function unit(children: Die[], shape: Partial<UnitShape> = {}): UnitShape {
  return {
    version: 4,
    ...shape,
    root: {
      tag: TAG.compileUnit,
      attributes: [
        [AT.name, FORM.string, 'unit.c'],
        [AT.low, FORM.addr, FUNCTIONS[0].low],
        [AT.high, FORM.data4, FUNCTIONS[2].high - FUNCTIONS[0].low],
      ],
      children,
    },
  };
}
