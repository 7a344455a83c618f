// What the instructions that touch memory touch: how many bytes, and whether they write them; and which operands lie
// above the address on the stack.

const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;
const V128 = 0x7b;

/** One kind of access. */
export interface Access {
  /** Bytes. */
  readonly size: number;
  readonly writes: boolean;
  /** Types of the operands above the address, from the one directly above it. */
  readonly above: readonly number[];
}

const reads = (size: number, ...above: number[]): Access => ({ size, writes: false, above });
const writes = (size: number, ...above: number[]): Access => ({ size, writes: true, above });

/** From i32.load to i64.store32. */
const SINGLE: readonly Access[] = [
  ...[4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4].map((size) => reads(size)),
  ...[writes(4, I32), writes(8, I64), writes(4, F32), writes(8, F64), writes(1, I32), writes(2, I32)],
  ...[writes(1, I64), writes(2, I64), writes(4, I64)],
];
const FIRST_SINGLE = 0x28;

const SIMD = new Map<number, Access>([
  ...[16, 8, 8, 8, 8, 8, 8, 1, 2, 4, 8].map((size, code): [number, Access] => [code, reads(size)]),
  [0x0b, writes(16, V128)],
  ...[1, 2, 4, 8].map((size, index): [number, Access] => [0x54 + index, reads(size, V128)]),
  ...[1, 2, 4, 8].map((size, index): [number, Access] => [0x58 + index, writes(size, V128)]),
  [0x5c, reads(4)],
  [0x5d, reads(8)],
]);

/** The seven widths of atomic instructions, and the types of their values. */
const WIDTHS: readonly (readonly [size: number, type: number])[] = [
  [4, I32],
  [8, I64],
  [1, I32],
  [2, I32],
  [1, I64],
  [2, I64],
  [4, I64],
];
const FIRST_CMPXCHG = 0x48;

function atomicAccess(code: number): Access | undefined {
  if (code === 1) return reads(4, I32, I64);
  if (code === 2) return reads(8, I64, I64);
  if (code < 0x10 || code > 0x4e) return undefined;
  const [size, type] = WIDTHS[(code - 0x10) % WIDTHS.length]!;
  if (code < 0x17) return reads(size);
  return code < FIRST_CMPXCHG ? writes(size, type) : writes(size, type, type);
}

/** What an instruction with an alignment and an offset touches; undefined for other instructions. */
export function accessOf(prefix: number, code: number): Access | undefined {
  if (prefix === 0) return code < FIRST_SINGLE ? undefined : SINGLE[code - FIRST_SINGLE];
  if (prefix === 0xfd) return SIMD.get(code);
  return prefix === 0xfe ? atomicAccess(code) : undefined;
}

/** Codes behind the prefix 0xfc of the instructions that touch ranges. */
export const Bulk = { Init: 8, Copy: 10, Fill: 11 } as const;
