// The module reader on sections written by hand, which V8 accepts or which are damaged in a known way.

import { describe, expect, test } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { InvalidModuleError } from '../../src/errors.ts';
import {
  body,
  custom,
  functionType,
  I32,
  leb,
  module,
  name,
  SectionId,
  section,
  vector,
} from '../support/module-builder.ts';

const types = section(SectionId.Type, vector([functionType([], []), functionType([], [I32])]));
const two = section(SectionId.Function, vector([[0], [1]]));
const table = section(
  SectionId.Table,
  vector([
    [0x70, 0, 4],
    [0x70, 0, 4],
  ]),
);
const code = section(SectionId.Code, vector([body([]), body([0x41, 1])]));
const refs = [
  [0xd2, 0, 0x0b],
  [0xd0, 0x70, 0x0b],
  [0xd2, 1, 0x0b],
];

describe('sections', () => {
  const offset = [0x41, 0, 0x0b];
  test.each([
    ['0: active, indices', [0, ...offset, 2, 0, 1], 'active', 0, [0, 1]],
    ['1: passive, indices', [1, 0, 2, 1, 0], 'passive', 0, [1, 0]],
    ['2: active in a table, indices', [2, 1, ...offset, 0, 1, 1], 'active', 1, [1]],
    ['3: declarative, indices', [3, 0, 1, 0], 'declarative', 0, [0]],
    ['4: active, expressions', [4, ...offset, ...vector(refs)], 'active', 0, [0, 1]],
    ['5: passive, expressions', [5, 0x70, ...vector(refs)], 'passive', 0, [0, 1]],
    ['6: active in a table, expressions', [6, 1, ...offset, 0x70, ...vector(refs)], 'active', 1, [0, 1]],
    ['7: declarative, expressions', [7, 0x70, ...vector(refs)], 'declarative', 0, [0, 1]],
  ] as const)('element segment form %s', (_, segment, mode, tableIndex, functions) => {
    const bytes = module(types, two, table, section(SectionId.Element, vector([segment])), code);
    expect(WebAssembly.validate(bytes)).toBe(true);
    const read = readModule(bytes);
    expect(read.elements).toMatchObject([{ mode, table: tableIndex, functions }]);
    expect([...read.referencedFunctions].sort()).toEqual([...functions].sort());
  });

  test('types of the garbage collection proposal: groups, subtypes, structs, arrays, packed fields', () => {
    const group = [
      0x4e,
      ...vector([
        [
          0x50,
          0,
          0x5f,
          ...vector([
            [0x78, 1],
            [0x63, 1, 0],
            [0x64, 0x6b, 0],
          ]),
        ],
        [
          0x4f,
          1,
          0,
          0x5f,
          ...vector([
            [0x78, 1],
            [0x63, 1, 0],
            [0x64, 0x6b, 0],
            [0x7e, 0],
          ]),
        ],
        [0x50, 1, 0, 0x60, ...vector([[0x63, 0]]), ...vector([[I32], [0x64, 1]])],
      ]),
    ];
    const bytes = module(section(SectionId.Type, vector([group, [0x5e, 0x77, 1], functionType([0x7b], [])])));
    const read = readModule(bytes);
    expect(read.types.map(({ kind }) => kind)).toEqual(['struct', 'struct', 'function', 'array', 'function']);
    expect(read.types[1]).toMatchObject({ supertypes: [0], final: true });
    expect(read.types[2]).toMatchObject({
      parameters: [{ code: 0x63, heapType: 0 }],
      results: [
        { code: I32, heapType: null },
        { code: 0x64, heapType: 1 },
      ],
      final: false,
    });
  });

  test('shared, 64-bit and several memories, and tags', () => {
    const bytes = module(
      types,
      section(
        SectionId.Memory,
        vector([
          [3, 1, 2],
          [4, 1],
          [0, 5],
        ]),
      ),
      section(SectionId.Tag, vector([[0, 0]])),
    );
    expect(readModule(bytes)).toMatchObject({
      memories: [
        { minimum: 1n, maximum: 2n, shared: true, is64: false },
        { minimum: 1n, maximum: null, shared: false, is64: true },
        { minimum: 5n, maximum: null, shared: false, is64: false },
      ],
      tags: [0],
    });
  });

  test('the value of a constant initialiser is an unsigned address', () => {
    const globals = vector([
      [I32, 0, 0x41, 0x7f, 0x0b],
      [I32, 0, 0x41, ...[0x80, 0x80, 4], 0x0b],
      [I32, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b],
    ]);
    const read = readModule(module(section(SectionId.Global, globals)));
    expect(read.globals.map(({ initializer }) => initializer?.i32)).toEqual([0xffffffff, 0x10000, null]);
  });

  test.each([
    ['nothing', new Uint8Array(), /first four bytes/],
    ['text', new TextEncoder().encode('(module (func))'), /first four bytes/],
    ['a component', Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]), /component/],
    ['a section twice', module(types, types), /out of order or appears twice/],
    ['sections out of order', module(section(SectionId.Function, [0]), types), /out of order/],
    ['an unknown section', module(section(14, [])), /unknown section id 14/],
    ['a section that is too long', module(section(SectionId.Type, [0, 0])), /longer than its content/],
    ['functions without bodies', module(types, two), /2 functions are declared, but there are 0 bodies/],
    [
      'a function of no type',
      module(section(SectionId.Function, [1, 7]), section(SectionId.Code, vector([body([])]))),
      /type 7/,
    ],
    [
      'an export of nothing',
      module(section(SectionId.Export, vector([[...name('x'), 0, 3]]))),
      /names an index that does not exist/,
    ],
    ['a huge vector', module(section(SectionId.Type, leb(0xffffffff))), /does not fit/],
  ])('%s is refused with the reason', (_, bytes, reason) => {
    expect(() => readModule(bytes)).toThrow(InvalidModuleError);
    expect(() => readModule(bytes)).toThrow(reason);
  });

  test('a malformed name section does not make the module invalid', () => {
    const bytes = module(custom('name', [1, 9, 2, 0, 1, 0x61, 1]));
    expect(readModule(bytes).functionNames()).toEqual(new Map());
    const cut = module(custom('name', [1, 8, 2, 0, 1, 0x61, 1, 5, 0x62, 0x63]));
    expect(readModule(cut).functionNames()).toEqual(new Map([[0, 'a']]));
  });
});
