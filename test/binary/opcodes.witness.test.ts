// Compares instruction lengths with two independent disassemblers: wabt's wasm-objdump and LLVM's llvm-objdump.
// There is one function for each opcode and each shape of its immediates, and each disassembler must see the same
// instructions at the same offsets. opcodes.test.ts has the instructions that neither knows.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Immediate, readModule, skipInstruction } from '../../src/binary/index.ts';
import { OPCODES, type OpcodeEntry } from '../../src/binary/opcode-names.ts';
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

/** Encodings of the immediates, shorter ones first. */
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

/** Puts the instruction where its block structure is complete. */
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

/** Offsets of all instructions of a module, as Heapline reads them. */
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

/** Mnemonic of the opcode at each offset, as Heapline reads it. */
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
