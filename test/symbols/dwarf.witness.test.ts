// DWARF that the tested compilers do not emit, assembled by hand. llvm-symbolizer must read it in the same way.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Symbolizer } from '../../src/symbols/index.ts';
import { compareFrames } from '../support/llvm-symbolizer.ts';
import { assemble, Bytes, type Die, FUNCTIONS, moduleOf, type UnitShape } from './assembler.ts';
import { AT, FORM, names, subprogram, TAG, unit } from './dwarf-entries.ts';

const directory = mkdtempSync(join(tmpdir(), 'heapline-dwarf-'));
afterAll(() => rmSync(directory, { recursive: true }));

// Compares every offset of all functions with the oracle and returns the symbolizer.
function expectAgreement(wasm: Uint8Array): Symbolizer {
  const path = join(directory, 'module.wasm');
  writeFileSync(path, wasm);
  const symbolizer = Symbolizer.open(wasm);
  const offsets = FUNCTIONS.flatMap(({ low, high }) =>
    Array.from({ length: high - low }, (_, at) => low + at),
  );
  expect(compareFrames(symbolizer, path, offsets).differences).toEqual([]);
  expect(symbolizer.warnings).toEqual([]);
  return symbolizer;
}

// A line table with the given program, and with the files a.c and dir/b.c.
function lineTable(
  version: number,
  program: Bytes,
  options: { wide?: boolean; opcodeBase?: number } = {},
): Bytes {
  const { wide = false, opcodeBase = 13 } = options;
  const offsetSize = wide ? 8 : 4;
  const header = new Bytes().u(1, 1);
  if (version >= 4) header.u(1, 1);
  header.u(1, 1).u(1, 251).u(1, 14).u(1, opcodeBase);
  header.raw([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 3].slice(0, opcodeBase - 1));
  if (version >= 5) {
    header.u(1, 1).uleb(1).uleb(FORM.string).uleb(2).text('/src').text('dir');
    header.u(1, 3).uleb(1).uleb(FORM.string).uleb(2).uleb(FORM.udata).uleb(5).uleb(FORM.data16);
    header.uleb(2);
    for (const [name, at] of [
      ['a.c', 0],
      ['b.c', 1],
    ] as const)
      header.text(name).uleb(at).u(16, 0);
  } else {
    header.text('dir').u(1, 0).text('a.c').raw([0, 0, 0]).text('b.c').raw([1, 0, 0]).u(1, 0);
  }
  const rest = new Bytes().u(2, version);
  if (version >= 5) rest.u(1, 4).u(1, 0);
  rest.u(offsetSize, header.length).raw(header.bytes).raw(program.bytes);
  const table = new Bytes();
  if (wide) table.u(4, 0xffffffff);
  return table.u(offsetSize, rest.length).raw(rest.bytes);
}

function setAddress(program: Bytes, address: number): Bytes {
  return program.u(1, 0).uleb(5).u(1, 2).u(4, address);
}

describe('rare forms', () => {
  test('strings and addresses by index of each width, in 32-bit and 64-bit DWARF', () => {
    for (const wide of [false, true]) {
      const size = wide ? 8 : 4;
      const strings = new Bytes()
        .text('unit.c')
        .text('first')
        .text('second')
        .text('third')
        .text('/somewhere');
      const offsets = wide ? new Bytes().u(4, 0xffffffff).u(8, 5 * 8 + 4) : new Bytes().u(4, 5 * 4 + 4);
      offsets.u(2, 5).u(2, 0);
      for (const at of [0, 7, 13, 20, 26]) offsets.u(size, at);
      const addresses = wide ? new Bytes().u(4, 0xffffffff).u(8, 16) : new Bytes().u(4, 16);
      addresses.u(2, 5).u(1, 4).u(1, 0);
      for (const { low } of FUNCTIONS) addresses.u(4, low);
      const base = wide ? 16 : 8;
      const die = (name: number, nameForm: number, low: number, lowForm: number): Die => ({
        tag: TAG.subprogram,
        attributes: [
          [AT.name, nameForm, name],
          [AT.low, lowForm, low],
          [AT.high, FORM.udata, 40],
          [AT.line, FORM.implicit, 77],
        ],
      });
      const root: Die = {
        tag: TAG.compileUnit,
        attributes: [
          [AT.name, FORM.strx, 0],
          [AT.directory, FORM.strx4, 4],
          [AT.low, FORM.addrx, 0],
          [AT.high, FORM.data4, 122],
          [AT.stringOffsetsBase, FORM.secOffset, base],
          [AT.addressBase, FORM.secOffset, base],
        ],
        children: [
          die(1, FORM.strx1, 0, FORM.addrx1),
          die(2, FORM.strx2, 1, FORM.addrx2),
          die(3, FORM.strx3, 2, FORM.addrx4),
        ],
      };
      const symbolizer = expectAgreement(
        moduleOf({
          ...assemble([{ version: 5, wide, root }]),
          '.debug_str': strings,
          '.debug_str_offsets': offsets,
          '.debug_addr': addresses,
        }),
      );
      expect(FUNCTIONS.map(({ low }) => names(symbolizer, low))).toEqual([['first'], ['second'], ['third']]);
      expect(symbolizer.frames(2)[0]!.startLine).toBe(77);
    }
  });

  test('range lists of every kind of entry', () => {
    const addresses = new Bytes().u(4, 16).u(2, 5).u(1, 4).u(1, 0);
    for (const value of [2, 22, 30]) addresses.u(4, value);
    const lists: Bytes[] = [
      new Bytes().u(1, 3).uleb(0).uleb(10).u(1, 2).uleb(1).uleb(2).u(1, 0), // startx_length, startx_endx
      // base_address, offset_pair, base_addressx, offset_pair
      new Bytes().u(1, 5).u(4, 2).u(1, 4).uleb(10).uleb(14).u(1, 1).uleb(0).u(1, 4).uleb(14).uleb(20).u(1, 0),
      new Bytes().u(1, 6).u(4, 30).u(4, 34).u(1, 7).u(4, 34).uleb(4).u(1, 0), // start_end, start_length
    ];
    const header = new Bytes().u(2, 5).u(1, 4).u(1, 0).u(4, lists.length);
    let at = 4 * lists.length;
    for (const list of lists) {
      header.u(4, at);
      at += list.length;
    }
    for (const list of lists) header.raw(list.bytes);
    const root: Die = {
      tag: TAG.compileUnit,
      attributes: [
        [AT.name, FORM.string, 'unit.c'],
        [AT.low, FORM.addr, 2],
        [AT.high, FORM.data4, 122],
        [AT.rangeListsBase, FORM.secOffset, 12],
        [AT.addressBase, FORM.secOffset, 8],
      ],
      children: [
        {
          ...subprogram('whole', 0),
          children: [0, 1, 2].map((index) => ({
            tag: TAG.inlined,
            attributes: [
              [AT.ranges, FORM.rnglistx, index],
              [AT.origin, FORM.ref4, `callee ${index}`],
              [AT.callLine, FORM.data1, 7],
            ],
          })),
        },
        ...[0, 1, 2].map((index) => ({
          tag: TAG.subprogram,
          label: `callee ${index}`,
          attributes: [[AT.name, FORM.string, `callee ${index}`] as const],
        })),
      ],
    };
    const symbolizer = expectAgreement(
      moduleOf({
        ...assemble([{ version: 5, root }]),
        '.debug_addr': addresses,
        '.debug_rnglists': new Bytes().u(4, header.length).raw(header.bytes),
      }),
    );
    expect([5, 14, 18, 25, 33, 36, 40].map((offset) => names(symbolizer, offset)[0])).toEqual([
      'callee 0',
      'callee 1',
      'callee 1',
      'callee 0',
      'callee 2',
      'callee 2',
      'whole',
    ]);
  });

  test('values of every form are skipped', () => {
    const padding: Die = {
      tag: TAG.variable,
      attributes: [
        [AT.location, FORM.block1, [2, 9, 9]],
        [AT.location, FORM.block2, [2, 0, 9, 9]],
        [AT.location, FORM.block4, [1, 0, 0, 0, 9]],
        [AT.location, FORM.block, [1, 9]],
        [AT.location, FORM.exprloc, [3, 9, 9, 9]],
        [AT.constant, FORM.data16, 1],
        [AT.constant, FORM.sdata, -300],
        [AT.constant, FORM.udata, 300],
        [AT.constant, FORM.data8, 1],
        [AT.constant, FORM.flag, 1],
        [AT.constant, FORM.flagPresent, 0],
        [AT.constant, FORM.sig8, 5],
        [AT.constant, FORM.indirect, [FORM.data2, 1, 2]],
        [AT.name, FORM.indirect, [FORM.string, 0x78, 0]],
      ],
    };
    const shape = unit([
      padding,
      subprogram('first', 0, { children: [padding] }),
      padding,
      subprogram('second', 1),
    ]);
    const symbolizer = expectAgreement(moduleOf(assemble([shape])));
    expect([names(symbolizer, 2), names(symbolizer, 43)]).toEqual([['first'], ['second']]);
  });

  test('names are followed through references of every width and across units', () => {
    for (const version of [2, 3, 4, 5]) {
      const low = (which: number) =>
        [
          [AT.low, FORM.addr, FUNCTIONS[which]!.low],
          [AT.high, FORM.addr, FUNCTIONS[which]!.high],
        ] as const;
      const units = [
        unit(
          [
            { tag: TAG.subprogram, attributes: [...low(0), [AT.specification, FORM.refAddr, 'far']] },
            { tag: TAG.subprogram, attributes: [...low(1), [AT.origin, FORM.ref2, 'hop']] },
            { tag: TAG.subprogram, attributes: [...low(2), [AT.origin, FORM.ref8, 'hop']] },
            { tag: TAG.subprogram, label: 'hop', attributes: [[AT.specification, FORM.refAddr, 'far']] },
          ],
          { version },
        ),
        {
          version,
          root: {
            tag: TAG.compileUnit,
            attributes: [[AT.name, FORM.string, 'other.c']],
            children: [
              {
                tag: TAG.subprogram,
                label: 'far',
                attributes: [
                  [AT.name, FORM.string, 'named'],
                  [AT.linkageName, FORM.string, '_Z5namedv'],
                ],
              },
            ],
          },
        } satisfies UnitShape,
      ];
      const symbolizer = expectAgreement(moduleOf(assemble(units)));
      for (const offset of [2, 43, 84]) {
        expect(symbolizer.frames(offset)).toMatchObject([{ function: 'named', linkageName: '_Z5namedv' }]);
      }
    }
  });

  test.each([2, 3, 4, 5])('line programs of version %i with every opcode', (version) => {
    for (const wide of version >= 3 ? [false, true] : [false]) {
      const program = new Bytes();
      setAddress(program, 2).u(1, 1); // copy: line 1
      program.u(1, 2).uleb(3).u(1, 3).sleb(99).u(1, 5).uleb(7).u(1, 1); // advance_pc, advance_line, set_column
      program
        .u(1, 4)
        .uleb(version >= 5 ? 0 : 2)
        .u(1, 6)
        .u(1, 7)
        .u(1, 10)
        .u(1, 11)
        .u(1, 12)
        .uleb(3);
      program.u(1, 9).u(2, 5).u(1, 1); // fixed_advance_pc
      program.u(1, 3).sleb(-50).u(1, 8).u(1, 1); // const_add_pc
      program.u(1, 0).uleb(3).u(1, 0x85).raw([1, 2]); // an extended opcode of the future
      program.u(1, 13).uleb(400).uleb(1); // a standard opcode of the future, two operands
      program.u(1, 0x4c); // special
      program.u(1, 2).uleb(10).u(1, 0).uleb(1).u(1, 1); // end_sequence
      setAddress(program, 0xffffffff).u(1, 1).u(1, 2).uleb(20).u(1, 0).uleb(1).u(1, 1); // dropped by the linker
      const shape: UnitShape = {
        version,
        wide,
        root: {
          tag: TAG.compileUnit,
          attributes: [
            [AT.name, FORM.string, 'a.c'],
            [AT.directory, FORM.string, '/src'],
            [AT.low, FORM.addr, 2],
            [AT.high, FORM.addr, 124],
            [AT.stmtList, version >= 4 ? FORM.secOffset : wide ? FORM.data8 : FORM.data4, 0],
          ],
          children: [
            {
              tag: TAG.subprogram,
              attributes: [
                [AT.name, FORM.string, 'f'],
                [AT.low, FORM.addr, 2],
                [AT.high, FORM.addr, 42],
              ],
            },
          ],
        },
      };
      const symbolizer = expectAgreement(
        moduleOf({
          ...assemble([shape]),
          '.debug_line': lineTable(version, program, { wide, opcodeBase: 14 }),
        }),
      );
      // Files count from 0 in version 5, but the program starts with file 1 in every version.
      const [first, second] = version >= 5 ? ['/src/dir/b.c', '/src/a.c'] : ['/src/a.c', '/src/dir/b.c'];
      expect(symbolizer.frames(6)).toMatchObject([{ file: first, line: 100, column: 7 }]);
      expect(symbolizer.frames(11)).toMatchObject([{ file: second, line: 100 }]);
    }
  });
});

test('the first of several units that claim the same code wins, as in llvm-symbolizer', () => {
  const symbolizer = expectAgreement(
    moduleOf(assemble([unit([subprogram('one', 0)]), unit([subprogram('two', 0)])])),
  );
  expect(names(symbolizer, 2)).toEqual(['one']);
});
