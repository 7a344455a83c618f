// Hostile DWARF, assembled by hand, must give a warning and a name.

import { describe, expect, test } from 'vitest';
import { Symbolizer } from '../../src/symbols/index.ts';
import { ownTime } from '../support/own-time.ts';
import { assemble, Bytes, type Die, FUNCTIONS, moduleOf, type UnitShape } from './assembler.ts';
import { AT, FORM, names, subprogram, TAG, unit } from './dwarf-entries.ts';

describe('hostile debug information', () => {
  test('reading references in a circle ends', () => {
    const symbolizer = Symbolizer.open(
      moduleOf(
        assemble([
          unit([
            {
              tag: TAG.subprogram,
              label: 'a',
              attributes: [
                [AT.low, FORM.addr, 2],
                [AT.high, FORM.data4, 40],
                [AT.origin, FORM.ref4, 'b'],
                [AT.specification, FORM.ref4, 'a'],
              ],
            },
            {
              tag: TAG.subprogram,
              label: 'b',
              attributes: [
                [AT.origin, FORM.ref4, 'a'],
                [AT.specification, FORM.ref4, 'b'],
              ],
            },
          ]),
        ]),
      ),
    );
    expect(names(symbolizer, 2)).toEqual(['wasm-function[0]']);
  });

  test('only the functions of a broken unit lose their lines', () => {
    const root = (which: number, children: Die[]): UnitShape => ({
      version: 4,
      root: {
        tag: TAG.compileUnit,
        attributes: [
          [AT.name, FORM.string, `unit ${which}`],
          [AT.low, FORM.addr, FUNCTIONS[which]!.low],
          [AT.high, FORM.data4, 40],
        ],
        children,
      },
    });
    const broken = (form: number): Die => ({ tag: TAG.variable, attributes: [[AT.constant, form, []]] });
    const sections = assemble([
      root(0, [broken(0x77), subprogram('lost', 0)]),
      root(1, [subprogram('found', 1)]),
    ]);
    const symbolizer = Symbolizer.open(moduleOf(sections));
    expect(names(symbolizer, 2)).toEqual(['wasm-function[0]']);
    expect(names(symbolizer, 43)).toEqual(['found']);
    expect(symbolizer.warnings).toHaveLength(1);
    expect(symbolizer.warnings[0]).toMatch(/unit 0.*unknown form/);
  });

  test('calls that are inlined more than a thousand deep give a warning', () => {
    let call: Die = subprogram('f', 0);
    for (let depth = 0; depth < 1500; depth++) {
      call = {
        tag: TAG.inlined,
        attributes: [
          [AT.low, FORM.addr, 2],
          [AT.high, FORM.data4, 40],
          [AT.name, FORM.string, 'g'],
        ],
        children: depth === 0 ? [] : [call],
      };
    }
    const symbolizer = Symbolizer.open(
      moduleOf(assemble([unit([subprogram('f', 0, { children: [call] })])])),
    );
    expect(names(symbolizer, 2)).toEqual(['wasm-function[0]']);
    expect(symbolizer.warnings.join()).toMatch(/nest too deep/);
  });

  test('thousands of units that share one long range list exceed the limit of work', () => {
    const ranges = new Bytes();
    for (let entry = 0; entry < 20_000; entry++) ranges.u(4, 2).u(4, 3);
    ranges.u(8, 0);
    const root: Die = {
      tag: TAG.compileUnit,
      attributes: [
        [AT.low, FORM.addr, 0],
        [AT.ranges, FORM.secOffset, 0],
      ],
    };
    const { '.debug_info': one, '.debug_abbrev': abbreviations } = assemble([{ version: 4, root }]);
    const info = new Bytes();
    for (let copy = 0; copy < 20_000; copy++) info.raw(one.bytes);
    const wasm = moduleOf({ '.debug_info': info, '.debug_abbrev': abbreviations, '.debug_ranges': ranges });
    let warnings: readonly string[] = [];
    expect(
      ownTime(() => {
        const symbolizer = Symbolizer.open(wasm);
        symbolizer.frames(2);
        warnings = symbolizer.warnings;
      }),
    ).toBeLessThan(10_000);
    expect(warnings.join()).toMatch(/far more work than its size explains/);
    expect(warnings.length).toBeLessThan(30);
  });

  test('counts and lengths beyond all bounds are detected at once', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    const endless = new Array<number>(64).fill(0xff);
    const unitHeader = (root: readonly number[]) =>
      new Bytes()
        .u(4, 7 + root.length)
        .u(2, 4)
        .u(4, 0)
        .u(1, 4)
        .raw(root);
    const abbreviation = (form: number) => new Bytes().raw([1, TAG.compileUnit, 0, AT.name, form, 0, 0, 0]);
    const cases: Record<string, Bytes>[] = [
      { '.debug_info': new Bytes().u(4, 0xffffffff).raw(huge) },
      { '.debug_info': new Bytes().u(4, 0xfffffff3) },
      { '.debug_info': unitHeader([1, ...huge]), '.debug_abbrev': abbreviation(FORM.block) },
      { '.debug_info': unitHeader([1, ...endless]), '.debug_abbrev': abbreviation(FORM.udata) },
      { '.debug_info': unitHeader([...endless]), '.debug_abbrev': abbreviation(FORM.udata) },
      { '.debug_info': unitHeader([1, 0x16, 0x16, 0x16]), '.debug_abbrev': abbreviation(FORM.indirect) },
      { '.debug_info': unitHeader([1]), '.debug_abbrev': new Bytes().raw(endless) },
    ];
    for (const sections of cases) {
      const symbolizer = Symbolizer.open(moduleOf(sections));
      expect(names(symbolizer, 2)).toEqual(['wasm-function[0]']);
      expect(symbolizer.warnings.length).toBeGreaterThan(0);
    }
  });

  test('file tables with more entries than bytes are rejected, and functions keep their names', () => {
    const tables = [
      [0, 0xff, 0xff, 0xff, 0xff, 0x0f], // entries of no columns
      [1, 1, FORM.flagPresent, 0xff, 0xff, 0xff, 0xff, 0x0f], // entries of no size
      [1, 1, FORM.string, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ];
    for (const table of tables) {
      const header = new Bytes().raw([1, 1, 1, 251, 14, 1]).raw(table);
      const line = new Bytes().u(2, 5).u(1, 4).u(1, 0).u(4, header.length).raw(header.bytes);
      const shape: UnitShape = {
        version: 5,
        root: {
          tag: TAG.compileUnit,
          attributes: [
            [AT.low, FORM.addr, 2],
            [AT.high, FORM.data4, 40],
            [AT.stmtList, FORM.secOffset, 0],
          ],
          children: [subprogram('f', 0)],
        },
      };
      const symbolizer = Symbolizer.open(
        moduleOf({ ...assemble([shape]), '.debug_line': new Bytes().u(4, line.length).raw(line.bytes) }),
      );
      expect(symbolizer.frames(2)).toMatchObject([{ function: 'f', line: 0 }]);
      expect(symbolizer.warnings.join()).toMatch(/no line numbers/);
    }
  });
});
