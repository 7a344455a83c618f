// Instruction lengths against two independent disassemblers: wabt's wasm-objdump and LLVM's llvm-objdump. One
// function per opcode and per shape of its immediates goes through both; each must see the same instructions at
// the same offsets. What neither knows (garbage collection, typed references) is checked against bytes written out
// from the specification.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Immediate, OPCODES, type OpcodeEntry, readModule, skipInstruction } from '../../src/binary/index.ts';
import { InvalidModuleError, UnsupportedModuleError } from '../../src/errors.ts';
import {
  body,
  functionType,
  leb,
  module,
  padded,
  SectionId,
  section,
  vector,
} from '../support/module-builder.ts';

const opcodeBytes = ({ prefix, code }: OpcodeEntry): number[] =>
  prefix === 0 ? [code] : [prefix, ...leb(code)];
const fixed = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);

/** Encodings of the immediates, from short to long. */
function shapes({ immediate, name }: OpcodeEntry): number[][] {
  switch (immediate) {
    case Immediate.None:
      return [[]];
    case Immediate.Index:
      return [[0], padded(0, 3)];
    case Immediate.TwoIndices:
      return [
        [0, 0],
        [...padded(0, 2), ...padded(0, 4)],
      ];
    case Immediate.S32:
      return [[0x7f], [0x80, 0x80, 0x80, 0x80, 0x78]];
    case Immediate.S64:
      return [[0x3f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]];
    case Immediate.Memory:
      return [
        [0, 0],
        [0, ...padded(77, 5)],
      ];
    case Immediate.MemoryLane:
      return [
        [0, 0, 0],
        [0, ...padded(300, 3), 1],
      ];
    case Immediate.F32:
      return [fixed(4)];
    case Immediate.F64:
      return [fixed(8)];
    case Immediate.Vector:
      return [fixed(16)];
    case Immediate.Byte:
      return [[0]];
    case Immediate.BlockType:
      return [[0x40], [0x7f], padded(0, 2)];
    case Immediate.BranchTable:
      return [
        [0, 0],
        [3, 0, ...padded(0, 3), 0, 0],
      ];
    case Immediate.ValueTypes:
      return [[1, 0x7f]];
    case Immediate.HeapType:
      return [[0x70], [0x6f]];
    case Immediate.TryTable:
      return [
        [0x40, 0],
        [0x7f, 4, 0, 0, 0, 1, ...padded(0, 2), 0, 2, 0, 3, ...padded(0, 3)],
      ];
    default:
      throw new Error(`no immediates for ${name}`);
  }
}

/** The instruction in a place where its block structure is complete. */
function embed(entry: OpcodeEntry, encoded: number[]): number[] {
  switch (entry.name) {
    case 'block':
    case 'loop':
    case 'if':
    case 'try_table':
      return [...encoded, 0x0b];
    case 'try':
      return [...encoded, 0x19, 0x0b];
    case 'else':
      return [0x04, 0x40, ...encoded, 0x0b];
    case 'catch':
    case 'catch_all':
      return [0x06, 0x40, ...encoded, 0x0b];
    case 'rethrow':
      return [0x06, 0x40, 0x19, ...encoded, 0x0b];
    case 'delegate':
      return [0x06, 0x40, ...encoded];
    case 'end':
      return [0x02, 0x40, ...encoded];
    default:
      return encoded;
  }
}

interface Case {
  readonly entry: OpcodeEntry;
  readonly code: number[];
}

const isGc = (entry: OpcodeEntry): boolean =>
  entry.prefix === 0xfb ||
  ['call_ref', 'return_call_ref', 'ref.eq', 'ref.as_non_null', 'br_on_null', 'br_on_non_null'].includes(
    entry.name,
  );

const cases: readonly Case[] = OPCODES.filter((entry) => !isGc(entry)).flatMap((entry) =>
  shapes(entry).map((shape) => ({ entry, code: embed(entry, [...opcodeBytes(entry), ...shape]) })),
);

function moduleOf(selected: readonly Case[]): Uint8Array {
  return module(
    section(SectionId.Type, vector([functionType([], [])])),
    section(SectionId.Function, vector(selected.map(() => [0]))),
    section(SectionId.Table, vector([[0x70, 0, 1]])),
    section(SectionId.Memory, vector([[3, 1, 1]])),
    section(SectionId.Tag, vector([[0, 0]])),
    section(SectionId.Global, vector([[0x7f, 1, 0x41, 0, 0x0b]])),
    section(SectionId.Element, vector([[1, 0, 1, 0]])),
    section(SectionId.DataCount, [1]),
    section(SectionId.Code, vector(selected.map(({ code }) => body(code)))),
    section(SectionId.Data, vector([[1, 0]])),
  );
}

/** Offsets of all instructions of a module, as ours. */
function offsets(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (const { start, end } of readModule(bytes).bodies) {
    for (let at = start + 1; at < end; at = skipInstruction(bytes, at, end)) found.push(at);
  }
  return found;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-opcodes-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly offset: number;
  readonly name: string;
}

/** Offsets and mnemonics that a disassembler prints. Continuation lines of long instructions have no mnemonic. */
function disassemble(tool: string, bytes: Uint8Array, line: RegExp): Line[] {
  const file = join(folder, 'opcodes.wasm');
  writeFileSync(file, bytes);
  const text = execFileSync(tool, ['-d', file], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const found: Line[] = [];
  for (const each of text.split('\n')) {
    const match = line.exec(each);
    if (match !== null) found.push({ offset: Number.parseInt(match[1]!, 16), name: match[2]! });
  }
  return found;
}

const wabt = (bytes: Uint8Array): Line[] =>
  disassemble('wasm-objdump', bytes, /^ ([0-9a-f]{6}): .*\| +([a-z][\w.]*)/);
const llvm = (bytes: Uint8Array): Line[] =>
  disassemble('llvm-objdump-22', bytes, /^ +([0-9a-f]+): [0-9a-f ]+\t(<unknown>|[\w.]+)/);

/** Mnemonic of the opcode at each offset, as ours. */
const nameAt = (bytes: Uint8Array, offset: number): string =>
  OPCODES.find((entry) => opcodeBytes(entry).every((byte, index) => bytes[offset + index] === byte))!.name;

describe('instruction lengths and names', () => {
  // wabt 1.0.32 precedes try_table and wide arithmetic.
  const unknownToWabt = /^(try_table|throw_ref|i64\.(add|sub)128|i64\.mul_wide_[su])$/;
  // LLVM's disassembler has no entries for these, nor for select with a type.
  const unknownToLlvm = /^(table\.init|elem\.drop)$/;

  test('equal those of wabt', () => {
    const selected = cases.filter(({ entry }) => !unknownToWabt.test(entry.name));
    const bytes = moduleOf(selected);
    const theirs = wabt(bytes);
    expect(selected.length).toBeGreaterThan(600);
    expect(theirs.map(({ offset }) => offset)).toEqual(offsets(bytes));
    // wabt calls the relaxed dot products by their early names.
    const differing = theirs.filter(
      ({ offset, name }) => nameAt(bytes, offset).replace('relaxed_dot', 'dot') !== name,
    );
    expect(differing).toEqual([]);
  });

  test('equal those of LLVM', () => {
    const selected = cases.filter(
      ({ entry }) => !unknownToLlvm.test(entry.name) && entry.immediate !== Immediate.ValueTypes,
    );
    const bytes = moduleOf(selected);
    const theirs = llvm(bytes);
    expect(selected.length).toBeGreaterThan(600);
    expect(theirs.map(({ offset }) => offset)).toEqual(offsets(bytes));
  });
});

/** Instructions written out from the specification; each must be taken as exactly one. */
const written: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['call_ref', [0x14, 0x85, 0x01]],
  ['return_call_ref', [0x15, 0x05]],
  ['ref.eq', [0xd3]],
  ['ref.as_non_null', [0xd4]],
  ['br_on_null', [0xd5, 0x81, 0x00]],
  ['br_on_non_null', [0xd6, 0x01]],
  ['ref.null of a type index', [0xd0, 0x85, 0x01]],
  ['select of a concrete reference', [0x1c, 0x01, 0x63, 0x85, 0x01]],
  ['block of a concrete reference', [0x02, 0x64, 0x85, 0x01]],
  ['block of an abstract reference', [0x02, 0x63, 0x70]],
  ['block of a large type index', [0x02, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['struct.new', [0xfb, 0x00, 0x81, 0x01]],
  ['struct.new with a padded opcode', [0xfb, 0x80, 0x00, 0x01]],
  ['struct.get', [0xfb, 0x02, 0x01, 0x82, 0x00]],
  ['struct.set', [0xfb, 0x05, 0x01, 0x02]],
  ['array.new', [0xfb, 0x06, 0x01]],
  ['array.new_fixed', [0xfb, 0x08, 0x01, 0x90, 0x4e]],
  ['array.new_data', [0xfb, 0x09, 0x01, 0x02]],
  ['array.get_u', [0xfb, 0x0d, 0x01]],
  ['array.len', [0xfb, 0x0f]],
  ['array.fill', [0xfb, 0x10, 0x01]],
  ['array.copy', [0xfb, 0x11, 0x01, 0x02]],
  ['array.init_elem', [0xfb, 0x13, 0x01, 0x02]],
  ['ref.test', [0xfb, 0x14, 0x6b]],
  ['ref.cast null of a type index', [0xfb, 0x17, 0x85, 0x01]],
  ['br_on_cast', [0xfb, 0x18, 0x03, 0x81, 0x00, 0x6e, 0x85, 0x01]],
  ['br_on_cast_fail', [0xfb, 0x19, 0x01, 0x00, 0x6e, 0x6b]],
  ['any.convert_extern', [0xfb, 0x1a]],
  ['ref.i31', [0xfb, 0x1c]],
  ['i31.get_u', [0xfb, 0x1e]],
  ['a load of memory 200 (multi-memory)', [0x28, 0x42, 0xc8, 0x01, 0x10]],
  ['a lane load of memory 1', [0xfd, 0x54, 0x40, 0x01, 0x10, 0x0f]],
  ['an atomic of memory 1', [0xfe, 0x10, 0x42, 0x01, 0x00]],
  [
    'a load with a 64-bit offset (memory64)',
    [0x29, 0x03, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  ],
  ['memory.copy between memories', [0xfc, 0x0a, 0x81, 0x00, 0x02]],
  ['call_indirect of a second table', [0x11, 0x80, 0x01, 0x81, 0x00]],
  ['throw_ref', [0x0a]],
];

describe('instructions that the disassemblers do not know', () => {
  test.each(written)('%s ends where the specification says', (_, bytes) => {
    const followed = Uint8Array.from([...bytes, 0x01, 0x01]);
    expect(skipInstruction(followed, 0, followed.length)).toBe(bytes.length);
  });

  test.each(written)('%s is refused when cut short anywhere', (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = Uint8Array.from(bytes);
      expect(() => skipInstruction(cut, 0, length)).toThrow(InvalidModuleError);
    }
  });

  test('every opcode of the garbage collection proposal is in the table', () => {
    expect(OPCODES.filter(({ prefix }) => prefix === 0xfb).map(({ code }) => code)).toEqual(
      Array.from({ length: 31 }, (_, code) => code),
    );
  });

  test.each([[0x16], [0x27], [0xc5], [0xd7], [0xff], [0xfb, 31], [0xfc, 18], [0xfd, 0x9a, 0x01], [0xfe, 4]])(
    'unknown opcode %s is refused with its offset',
    (...bytes) => {
      const code = Uint8Array.from([0x01, 0x01, ...bytes, 0, 0, 0, 0]);
      const attempt = () => skipInstruction(code, 2, code.length);
      expect(attempt).toThrow(UnsupportedModuleError);
      expect(attempt).toThrow(/unknown opcode 0x.* at offset 0x2$/);
    },
  );
});
