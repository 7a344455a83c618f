// The opcodes of WebAssembly 3.0 and of the proposals that engines ship, with the kind of immediates that
// follow each. Numbers and names are those of the core specification (section 5.4), of the threads and
// relaxed SIMD proposals, and of the legacy exception handling proposal: engines still run its try, catch,
// rethrow and delegate.

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
  I32Load8U: 0x2d,
  I32Store: 0x36,
  I64Store: 0x37,
  MemorySize: 0x3f,
  MemoryGrow: 0x40,
  I32Const: 0x41,
  I64Const: 0x42,
  I32Eqz: 0x45,
  I32Ne: 0x47,
  I32LtU: 0x49,
  I32Add: 0x6a,
  I32Sub: 0x6b,
  I32And: 0x71,
  I32ShrU: 0x76,
  I64ExtendI32S: 0xac,
  RefFunc: 0xd2,
} as const;

/** One opcode: `code` within the space of `prefix` (0 for single bytes). */
export interface OpcodeEntry {
  readonly prefix: number;
  readonly code: number;
  readonly name: string;
  readonly immediate: ImmediateKind;
}

const { None, Index, TwoIndices, Memory, MemoryLane, Byte } = Immediate;

/** Opcodes with consecutive numbers and the same kind of immediates; `-` skips a number. */
type Run = readonly [first: number, immediate: ImmediateKind, names: string];

const each = (type: string, names: string): string =>
  names
    .split(' ')
    .map((name) => `${type}.${name}`)
    .join(' ');

const compareInteger = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const compareFloat = 'eq ne lt gt le ge';
const integer = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
const float = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign';

const single: readonly Run[] = [
  [0x00, None, 'unreachable nop'],
  [0x02, Immediate.BlockType, 'block loop if'],
  [0x05, None, 'else'],
  [0x06, Immediate.BlockType, 'try'],
  [0x07, Index, 'catch throw rethrow'],
  [0x0a, None, 'throw_ref end'],
  [0x0c, Index, 'br br_if'],
  [0x0e, Immediate.BranchTable, 'br_table'],
  [0x0f, None, 'return'],
  [0x10, Index, 'call'],
  [0x11, TwoIndices, 'call_indirect'],
  [0x12, Index, 'return_call'],
  [0x13, TwoIndices, 'return_call_indirect'],
  [0x14, Index, 'call_ref return_call_ref'],
  [0x18, Index, 'delegate'],
  [0x19, None, 'catch_all drop select'],
  [0x1c, Immediate.ValueTypes, 'select'],
  [0x1f, Immediate.TryTable, 'try_table'],
  [0x20, Index, 'local.get local.set local.tee global.get global.set table.get table.set'],
  [
    0x28,
    Memory,
    `i32.load i64.load f32.load f64.load ${each('i32', 'load8_s load8_u load16_s load16_u')} ${each(
      'i64',
      'load8_s load8_u load16_s load16_u load32_s load32_u',
    )} i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32`,
  ],
  [0x3f, Index, 'memory.size memory.grow'],
  [0x41, Immediate.S32, 'i32.const'],
  [0x42, Immediate.S64, 'i64.const'],
  [0x43, Immediate.F32, 'f32.const'],
  [0x44, Immediate.F64, 'f64.const'],
  [0x45, None, `${each('i32', compareInteger)} ${each('i64', compareInteger)}`],
  [0x5b, None, `${each('f32', compareFloat)} ${each('f64', compareFloat)}`],
  [0x67, None, `${each('i32', integer)} ${each('i64', integer)} ${each('f32', float)} ${each('f64', float)}`],
  [0xa7, None, each('i32', 'wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u')],
  [0xac, None, each('i64', 'extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u')],
  [0xb2, None, each('f32', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64')],
  [0xb7, None, each('f64', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32')],
  [0xbc, None, 'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64'],
  [0xc0, None, 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s'],
  [0xd0, Immediate.HeapType, 'ref.null'],
  [0xd1, None, 'ref.is_null'],
  [0xd2, Index, 'ref.func'],
  [0xd3, None, 'ref.eq ref.as_non_null'],
  [0xd5, Index, 'br_on_null br_on_non_null'],
  [0xfb, Immediate.Prefix, 'gc misc simd atomic'],
];

const gc: readonly Run[] = [
  [0, Index, 'struct.new struct.new_default'],
  [2, TwoIndices, 'struct.get struct.get_s struct.get_u struct.set'],
  [6, Index, 'array.new array.new_default'],
  [8, TwoIndices, 'array.new_fixed array.new_data array.new_elem'],
  [11, Index, 'array.get array.get_s array.get_u array.set'],
  [15, None, 'array.len'],
  [16, Index, 'array.fill'],
  [17, TwoIndices, 'array.copy array.init_data array.init_elem'],
  [20, Immediate.HeapType, 'ref.test ref.test ref.cast ref.cast'],
  [24, Immediate.BranchOnCast, 'br_on_cast br_on_cast_fail'],
  [26, None, 'any.convert_extern extern.convert_any ref.i31 i31.get_s i31.get_u'],
];

const misc: readonly Run[] = [
  [0, None, each('i32', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')],
  [4, None, each('i64', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')],
  [8, TwoIndices, 'memory.init'],
  [9, Index, 'data.drop'],
  [10, TwoIndices, 'memory.copy'],
  [11, Index, 'memory.fill'],
  [12, TwoIndices, 'table.init'],
  [13, Index, 'elem.drop'],
  [14, TwoIndices, 'table.copy'],
  [15, Index, 'table.grow table.size table.fill'],
  [19, None, each('i64', 'add128 sub128 mul_wide_s mul_wide_u')],
];

const compareLanes = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const wide = (to: string, from: string, name: string): string =>
  each(to, `${name}_low_${from}_s ${name}_high_${from}_s ${name}_low_${from}_u ${name}_high_${from}_u`);

const simd: readonly Run[] = [
  [
    0x00,
    Memory,
    each(
      'v128',
      'load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u load8_splat load16_splat load32_splat load64_splat store',
    ),
  ],
  [0x0c, Immediate.Vector, 'v128.const i8x16.shuffle'],
  [0x0e, None, 'i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat'],
  [
    0x15,
    Byte,
    `${each('i8x16', 'extract_lane_s extract_lane_u replace_lane')} ${each(
      'i16x8',
      'extract_lane_s extract_lane_u replace_lane',
    )} ${['i32x4', 'i64x2', 'f32x4', 'f64x2'].map((type) => each(type, 'extract_lane replace_lane')).join(' ')}`,
  ],
  [
    0x23,
    None,
    `${each('i8x16', compareLanes)} ${each('i16x8', compareLanes)} ${each('i32x4', compareLanes)} ${each('f32x4', compareFloat)} ${each('f64x2', compareFloat)}`,
  ],
  [0x4d, None, each('v128', 'not and andnot or xor bitselect any_true')],
  [
    0x54,
    MemoryLane,
    each(
      'v128',
      'load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane',
    ),
  ],
  [0x5c, Memory, 'v128.load32_zero v128.load64_zero'],
  [0x5e, None, 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4'],
  [
    0x60,
    None,
    `${each('i8x16', 'abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u')} ${each('f32x4', 'ceil floor trunc nearest')} ${each('i8x16', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u')} ${each('f64x2', 'ceil floor')} ${each('i8x16', 'min_s min_u max_s max_u')} f64x2.trunc i8x16.avgr_u ${each('i16x8', 'extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u')} ${each('i32x4', 'extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u')}`,
  ],
  [
    0x80,
    None,
    `${each('i16x8', 'abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u')} ${wide('i16x8', 'i8x16', 'extend')} ${each('i16x8', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u')} f64x2.nearest ${each('i16x8', 'mul min_s min_u max_s max_u')} - i16x8.avgr_u ${wide('i16x8', 'i8x16', 'extmul')}`,
  ],
  [
    0xa0,
    None,
    `i32x4.abs i32x4.neg - i32x4.all_true i32x4.bitmask - - ${wide('i32x4', 'i16x8', 'extend')} ${each('i32x4', 'shl shr_s shr_u add')} - - i32x4.sub - - - ${each('i32x4', 'mul min_s min_u max_s max_u dot_i16x8_s')} - ${wide('i32x4', 'i16x8', 'extmul')}`,
  ],
  [
    0xc0,
    None,
    `i64x2.abs i64x2.neg - i64x2.all_true i64x2.bitmask - - ${wide('i64x2', 'i32x4', 'extend')} ${each('i64x2', 'shl shr_s shr_u add')} - - i64x2.sub - - - i64x2.mul ${each('i64x2', 'eq ne lt_s gt_s le_s ge_s')} ${wide('i64x2', 'i32x4', 'extmul')}`,
  ],
  [
    0xe0,
    None,
    'f32x4.abs f32x4.neg - f32x4.sqrt f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax f64x2.abs f64x2.neg - f64x2.sqrt f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax',
  ],
  [
    0xf8,
    None,
    'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u',
  ],
  [
    0x100,
    None,
    'i8x16.relaxed_swizzle i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s i32x4.relaxed_dot_i8x16_i7x16_add_s',
  ],
];

const atomicReadModifyWrite = ['add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg'].map(
  (name) =>
    `i32.atomic.rmw.${name} i64.atomic.rmw.${name} i32.atomic.rmw8.${name}_u i32.atomic.rmw16.${name}_u i64.atomic.rmw8.${name}_u i64.atomic.rmw16.${name}_u i64.atomic.rmw32.${name}_u`,
);

const atomic: readonly Run[] = [
  [0x00, Memory, 'memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64'],
  [0x03, Byte, 'atomic.fence'],
  [
    0x10,
    Memory,
    `i32.atomic.load i64.atomic.load ${each('i32', 'atomic.load8_u atomic.load16_u')} ${each('i64', 'atomic.load8_u atomic.load16_u atomic.load32_u')} i32.atomic.store i64.atomic.store ${each('i32', 'atomic.store8 atomic.store16')} ${each('i64', 'atomic.store8 atomic.store16 atomic.store32')} ${atomicReadModifyWrite.join(' ')}`,
  ],
];

const entries: OpcodeEntry[] = [];

/** Immediate kinds of one opcode space, by number; `size` is more than the highest number. */
function space(prefix: number, runs: readonly Run[], size: number): Uint8Array {
  const kinds = new Uint8Array(size);
  for (const [first, immediate, names] of runs) {
    names.split(' ').forEach((name, index) => {
      if (name === '-') return;
      kinds[first + index] = immediate;
      if (immediate !== Immediate.Prefix) entries.push({ prefix, code: first + index, name, immediate });
    });
  }
  return kinds;
}

/** Immediate kind of each single-byte opcode. */
export const SINGLE_BYTE: Uint8Array = space(0, single, 0x100);
/** Immediate kinds behind the prefix 0xfb + index. */
export const PREFIXED: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] = [
  space(0xfb, gc, 32),
  space(0xfc, misc, 32),
  space(0xfd, simd, 0x120),
  space(0xfe, atomic, 0x50),
];

/** Every opcode known, in order of prefix and number. */
export const OPCODES: readonly OpcodeEntry[] = entries;
