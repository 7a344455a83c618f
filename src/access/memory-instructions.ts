// Reads the instructions that touch memory 0: loads, stores, atomics, SIMD, and those that touch ranges.

import { peekU32, skipLeb } from '../binary/index.ts';
import { type Access, accessOf, Bulk } from './accesses.ts';

/** The prefix of the instructions that touch ranges, among others. */
export const MISC_PREFIX = 0xfc;

const LEAST: Access = { size: 1, writes: false, above: [] };

/** Operands of an instruction that touches ranges: three numbers of 32 bits. */
export interface RangeAccess {
  /** Whether it reads a range of memory as well. */
  readonly reads: boolean;
}

/** The number of an opcode in its space, given the file offset of the instruction. */
export function codeAt(bytes: Uint8Array, at: number, prefix: number): number {
  return prefix === 0 ? bytes[at]! : peekU32(bytes, at + 1);
}

/** The prefix of the instruction at this offset; 0 when it has none. */
export function prefixAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!;
  return byte >= 0xfb && byte <= 0xfe ? byte : 0;
}

/** Reads what loads, stores and their like touch. One reader serves a whole module, so that reading makes no objects. */
export class AccessReader {
  access: Access = LEAST;
  /** What the address is a multiple of: 1, 2, 4, 8 or 16. */
  alignment = 1;
  /** What the instruction adds to the address on the stack. */
  immediate = 0;

  constructor(readonly bytes: Uint8Array) {}

  /** Reads the instruction at this offset; false for other instructions, and for other memories. */
  read(at: number, prefix: number, code: number): boolean {
    const access = accessOf(prefix, code);
    if (access === undefined) return false;
    const { bytes } = this;
    let next = prefix === 0 ? at + 1 : skipLeb(bytes, at + 1);
    const flags = peekU32(bytes, next);
    next = skipLeb(bytes, next);
    if ((flags & 0x40) !== 0) {
      if (peekU32(bytes, next) !== 0) return false;
      next = skipLeb(bytes, next);
    }
    this.access = access;
    this.alignment = 1 << Math.min(flags & 0x3f, 4);
    this.immediate = peekU32(bytes, next);
    return true;
  }
}

/** What the instruction behind MISC_PREFIX touches; null for other instructions, and for other memories. */
export function rangeAccessAt(bytes: Uint8Array, at: number, code: number): RangeAccess | null {
  const first = skipLeb(bytes, at + 1);
  const second = skipLeb(bytes, first);
  switch (code) {
    case Bulk.Init:
      return peekU32(bytes, second) === 0 ? { reads: false } : null;
    case Bulk.Copy:
      return peekU32(bytes, first) === 0 && peekU32(bytes, second) === 0 ? { reads: true } : null;
    case Bulk.Fill:
      return peekU32(bytes, first) === 0 ? { reads: false } : null;
    default:
      return null;
  }
}
