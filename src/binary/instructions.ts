// Finds where an instruction ends. A tool that copies code and only looks at some opcodes needs no more than
// this: no stack and no types. The hot loop of a scan reads the common opcodes itself and calls these
// functions for the others.

import { InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import { Immediate, PREFIXED, SINGLE_BYTE } from './opcodes.ts';

/** Offset after the LEB128 integer at `offset`; an integer without an end ends with `bytes`. */
export function skipLeb(bytes: Uint8Array, offset: number): number {
  let at = offset;
  while (bytes[at++]! >= 0x80);
  return at;
}

/** Value of the unsigned 32-bit LEB128 integer at `offset`. Reads at most five bytes. */
export function peekU32(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let shift = 0, at = offset; shift < 35; shift += 7, at += 1) {
    const byte = bytes[at] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}

/** Value of the signed 32-bit LEB128 integer at `offset`. */
export function peekI32(bytes: Uint8Array, offset: number): number {
  let value = 0;
  let shift = 0;
  let at = offset;
  let byte: number;
  do {
    byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80 && shift < 35);
  return shift < 32 && (byte & 0x40) !== 0 ? value | (-1 << shift) : value;
}

/** The labels of the br_table whose immediates are at `offset`, each once: how many blocks out they lead. */
export function branchTableLabels(bytes: Uint8Array, offset: number): ReadonlySet<number> {
  const labels = new Set<number>();
  let at = skipLeb(bytes, offset);
  for (let left = peekU32(bytes, offset); left >= 0; left -= 1) {
    labels.add(peekU32(bytes, at));
    at = skipLeb(bytes, at);
  }
  return labels;
}

/** Offset after the value type at `offset`: one byte, or `ref`/`ref null` and a heap type. */
export function skipValueType(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset]!;
  return byte === 0x63 || byte === 0x64 ? skipLeb(bytes, offset + 1) : offset + 1;
}

/** Offset after a block type: empty, a value type or a type index. */
function skipBlockType(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset]!;
  return byte === 0x63 || byte === 0x64 ? skipLeb(bytes, offset + 1) : skipLeb(bytes, offset);
}

/** Offset after alignment, memory index (flag bit 6, the multi-memory proposal) and offset. */
function skipMemory(bytes: Uint8Array, offset: number): number {
  const flags = peekU32(bytes, offset);
  let at = skipLeb(bytes, offset);
  if ((flags & 0x40) !== 0) at = skipLeb(bytes, at);
  return skipLeb(bytes, at);
}

/** Offset after the vector at `offset`, whose items `skip` skips; beyond `end` if the bytes cannot hold the items. */
function skipVector(
  bytes: Uint8Array,
  offset: number,
  end: number,
  skip: (bytes: Uint8Array, offset: number) => number,
): number {
  const count = peekU32(bytes, offset);
  let at = skipLeb(bytes, offset);
  if (count > end - at) return end + 1;
  for (let index = 0; index < count && at <= end; index += 1) at = skip(bytes, at);
  return at;
}

/** A clause of try_table: catch and catch_ref (0, 1) have a tag before the label. */
function skipCatch(bytes: Uint8Array, offset: number): number {
  return skipLeb(bytes, bytes[offset]! < 2 ? skipLeb(bytes, offset + 1) : offset + 1);
}

/**
 * Offset after the immediates at `offset` of an opcode of this kind. The result lies beyond `end` if the
 * immediates do not fit before it; the caller checks this once for each instruction.
 */
export function skipImmediates(kind: number, bytes: Uint8Array, offset: number, end: number): number {
  switch (kind) {
    case Immediate.None:
      return offset;
    case Immediate.Index:
    case Immediate.S32:
    case Immediate.S64:
      return skipLeb(bytes, offset);
    case Immediate.TwoIndices:
      return skipLeb(bytes, skipLeb(bytes, offset));
    case Immediate.Memory:
      return skipMemory(bytes, offset);
    case Immediate.MemoryLane:
      return skipMemory(bytes, offset) + 1;
    case Immediate.F32:
      return offset + 4;
    case Immediate.F64:
      return offset + 8;
    case Immediate.Vector:
      return offset + 16;
    case Immediate.Byte:
      return offset + 1;
    case Immediate.BlockType:
      return skipBlockType(bytes, offset);
    case Immediate.BranchTable:
      return skipLeb(bytes, skipVector(bytes, offset, end, skipLeb));
    case Immediate.ValueTypes:
      return skipVector(bytes, offset, end, skipValueType);
    case Immediate.HeapType:
      return skipLeb(bytes, offset);
    case Immediate.TryTable:
      return skipVector(bytes, skipBlockType(bytes, offset), end, skipCatch);
    case Immediate.BranchOnCast:
      return skipLeb(bytes, skipLeb(bytes, skipLeb(bytes, offset + 1)));
    default:
      return unknownOpcode(bytes, offset - 1);
  }
}

function unknownOpcode(bytes: Uint8Array, offset: number): never {
  const prefix = bytes[offset]!;
  const second = prefix >= 0xfb && prefix <= 0xfe ? ` 0x${peekU32(bytes, offset + 1).toString(16)}` : '';
  throw new UnsupportedModuleError(
    `unknown opcode 0x${prefix.toString(16)}${second} at offset 0x${offset.toString(16)}`,
  );
}

/**
 * Offset after the instruction at `offset`. Throws an UnsupportedModuleError if the opcode is unknown, and an
 * InvalidModuleError if the instruction ends after `end`.
 */
export function skipInstruction(bytes: Uint8Array, offset: number, end: number): number {
  const opcode = bytes[offset]!;
  const kind = SINGLE_BYTE[opcode]!;
  // Most instructions have no immediate, or integers of one byte; flags from 0x40 on have an index behind them.
  if (kind === Immediate.None && offset < end) return offset + 1;
  if (kind === Immediate.Index || kind === Immediate.S32) {
    if (offset + 1 < end && bytes[offset + 1]! < 0x80) return offset + 2;
  } else if (kind === Immediate.Memory) {
    if (offset + 2 < end && bytes[offset + 1]! < 0x40 && bytes[offset + 2]! < 0x80) return offset + 3;
  }
  let next: number;
  if (offset >= end) next = end + 1;
  else if (kind === Immediate.Prefix) {
    const table = PREFIXED[(opcode - 0xfb) as 0 | 1 | 2 | 3];
    const prefixed = table[peekU32(bytes, offset + 1)] ?? Immediate.Unknown;
    if (prefixed === Immediate.Unknown) unknownOpcode(bytes, offset);
    next = skipImmediates(prefixed, bytes, skipLeb(bytes, offset + 1), end);
  } else next = skipImmediates(kind, bytes, offset + 1, end);
  if (!(next <= end)) {
    throw new InvalidModuleError(`instruction at offset 0x${offset.toString(16)} is cut short`, offset);
  }
  return next;
}
