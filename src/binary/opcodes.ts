// The opcodes of WebAssembly 3.0 and of the proposals that engines ship, with the kind of immediates that
// follow each. Numbers are those of the core specification (section 5.4), of the threads and relaxed SIMD
// proposals, and of the legacy exception handling proposal: engines still run its try, catch, rethrow and
// delegate. Their names are in a file of their own (opcode-names.ts), which few programs need.

/** The kinds of immediates that follow opcodes. */
export const Immediate = {
  /** Not an opcode. */
  Unknown: 0,
  None: 1,
  /** One u32: an index, a label, or a count. */
  Index: 2,
  /** Two u32. */
  TwoIndices: 3,
  S32: 4,
  S64: 5,
  /** Alignment and flags, perhaps a memory index, then an offset of up to 64 bits. */
  Memory: 6,
  /** As Memory, then a lane byte. */
  MemoryLane: 7,
  F32: 8,
  F64: 9,
  /** 16 bytes: v128.const and i8x16.shuffle. */
  Vector: 10,
  /** One byte: a lane, or the reserved byte of atomic.fence. */
  Byte: 11,
  BlockType: 12,
  /** A vector of labels and the default label. */
  BranchTable: 13,
  /** A vector of value types. */
  ValueTypes: 14,
  HeapType: 15,
  /** A block type, then a vector of catch clauses. */
  TryTable: 16,
  /** Flags byte, label, two heap types. */
  BranchOnCast: 17,
  /** Another opcode space: 0xfb, 0xfc, 0xfd or 0xfe. */
  Prefix: 18,
} as const;
export type ImmediateKind = (typeof Immediate)[keyof typeof Immediate];

/** Numbers of the opcodes that tools look for or write. */
export const Opcode = {
  Unreachable: 0x00,
  Block: 0x02,
  Loop: 0x03,
  If: 0x04,
  Else: 0x05,
  Try: 0x06,
  Catch: 0x07,
  Throw: 0x08,
  Rethrow: 0x09,
  ThrowRef: 0x0a,
  End: 0x0b,
  Br: 0x0c,
  BrIf: 0x0d,
  BrTable: 0x0e,
  Return: 0x0f,
  Call: 0x10,
  CallIndirect: 0x11,
  ReturnCall: 0x12,
  ReturnCallIndirect: 0x13,
  CallRef: 0x14,
  ReturnCallRef: 0x15,
  Delegate: 0x18,
  CatchAll: 0x19,
  Drop: 0x1a,
  Select: 0x1b,
  TryTable: 0x1f,
  LocalGet: 0x20,
  LocalSet: 0x21,
  LocalTee: 0x22,
  GlobalGet: 0x23,
  GlobalSet: 0x24,
  I32Load: 0x28,
  I64Load: 0x29,
  I32Load8S: 0x2c,
  I32Load8U: 0x2d,
  I32Store: 0x36,
  I64Store: 0x37,
  I32Store8: 0x3a,
  I32Store16: 0x3b,
  MemorySize: 0x3f,
  MemoryGrow: 0x40,
  I32Const: 0x41,
  I64Const: 0x42,
  I32Eqz: 0x45,
  I32Eq: 0x46,
  I32Ne: 0x47,
  I32LtU: 0x49,
  I32GtS: 0x4a,
  I32LeU: 0x4d,
  I64Eqz: 0x50,
  I32Add: 0x6a,
  I32Sub: 0x6b,
  I32And: 0x71,
  I32Or: 0x72,
  I32Shl: 0x74,
  I32ShrU: 0x76,
  I64Sub: 0x7d,
  I64Shl: 0x86,
  I32WrapI64: 0xa7,
  I64ExtendI32S: 0xac,
  RefFunc: 0xd2,
} as const;

const { None, Index, TwoIndices, Memory, MemoryLane, Byte, BlockType } = Immediate;

/** Opcodes with consecutive numbers and the same kind of immediates. */
type Run = readonly [first: number, immediate: ImmediateKind, count: number];

/** Immediate kinds of one opcode space, by number; `size` is more than the highest number. */
function space(size: number, runs: readonly Run[]): Uint8Array {
  const kinds = new Uint8Array(size);
  for (const [first, immediate, count] of runs) kinds.fill(immediate, first, first + count);
  return kinds;
}

/** Immediate kind of each single-byte opcode. */
export const SINGLE_BYTE: Uint8Array = space(0x100, [
  [0x00, None, 2],
  [0x02, BlockType, 3],
  [0x05, None, 1],
  [0x06, BlockType, 1],
  [0x07, Index, 3],
  [0x0a, None, 2],
  [0x0c, Index, 2],
  [0x0e, Immediate.BranchTable, 1],
  [0x0f, None, 1],
  [0x10, Index, 1],
  [0x11, TwoIndices, 1],
  [0x12, Index, 1],
  [0x13, TwoIndices, 1],
  [0x14, Index, 2],
  [0x18, Index, 1],
  [0x19, None, 3],
  [0x1c, Immediate.ValueTypes, 1],
  [0x1f, Immediate.TryTable, 1],
  [0x20, Index, 7],
  [0x28, Memory, 23],
  [0x3f, Index, 2],
  [0x41, Immediate.S32, 1],
  [0x42, Immediate.S64, 1],
  [0x43, Immediate.F32, 1],
  [0x44, Immediate.F64, 1],
  [0x45, None, 128],
  [0xd0, Immediate.HeapType, 1],
  [0xd1, None, 1],
  [0xd2, Index, 1],
  [0xd3, None, 2],
  [0xd5, Index, 2],
  [0xfb, Immediate.Prefix, 4],
]);

/** Garbage collection. */
const gc = space(32, [
  [0, Index, 2],
  [2, TwoIndices, 4],
  [6, Index, 2],
  [8, TwoIndices, 3],
  [11, Index, 4],
  [15, None, 1],
  [16, Index, 1],
  [17, TwoIndices, 3],
  [20, Immediate.HeapType, 4],
  [24, Immediate.BranchOnCast, 2],
  [26, None, 5],
]);

/** Saturating conversions, bulk memory, tables, wide arithmetic. */
const misc = space(32, [
  [0, None, 8],
  [8, TwoIndices, 1],
  [9, Index, 1],
  [10, TwoIndices, 1],
  [11, Index, 1],
  [12, TwoIndices, 1],
  [13, Index, 1],
  [14, TwoIndices, 1],
  [15, Index, 3],
  [19, None, 4],
]);

const simd = space(0x120, [
  [0x00, Memory, 12],
  [0x0c, Immediate.Vector, 2],
  [0x0e, None, 7],
  [0x15, Byte, 14],
  [0x23, None, 49],
  [0x54, MemoryLane, 8],
  [0x5c, Memory, 2],
  [0x5e, None, 60],
  [0x9b, None, 7],
  [0xa3, None, 2],
  [0xa7, None, 8],
  [0xb1, None, 1],
  [0xb5, None, 6],
  [0xbc, None, 6],
  [0xc3, None, 2],
  [0xc7, None, 8],
  [0xd1, None, 1],
  [0xd5, None, 13],
  [0xe3, None, 11],
  [0xef, None, 37],
]);

const atomic = space(0x50, [
  [0x00, Memory, 3],
  [0x03, Byte, 1],
  [0x10, Memory, 63],
]);

/** Immediate kinds behind the prefix 0xfb + index. */
export const PREFIXED: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] = [gc, misc, simd, atomic];
