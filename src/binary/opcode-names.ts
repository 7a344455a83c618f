// The names of the opcodes of WebAssembly 3.0 and of the proposals that engines ship, as the core specification
// (section 5.4) and the proposals have them.

import { type ImmediateKind, PREFIXED, SINGLE_BYTE } from './opcodes.ts';

/** One opcode: `code` within the space of `prefix` (0 for single bytes). */
export interface OpcodeEntry {
  readonly prefix: number;
  readonly code: number;
  readonly name: string;
  readonly immediate: ImmediateKind;
}

/** Names of opcodes with consecutive numbers; `-` skips a number. */
type Run = readonly [first: number, names: string];

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
  [0x00, 'unreachable nop'],
  [0x02, 'block loop if'],
  [0x05, 'else'],
  [0x06, 'try'],
  [0x07, 'catch throw rethrow'],
  [0x0a, 'throw_ref end'],
  [0x0c, 'br br_if'],
  [0x0e, 'br_table'],
  [0x0f, 'return'],
  [0x10, 'call'],
  [0x11, 'call_indirect'],
  [0x12, 'return_call'],
  [0x13, 'return_call_indirect'],
  [0x14, 'call_ref return_call_ref'],
  [0x18, 'delegate'],
  [0x19, 'catch_all drop select'],
  [0x1c, 'select'],
  [0x1f, 'try_table'],
  [0x20, 'local.get local.set local.tee global.get global.set table.get table.set'],
  [
    0x28,
    `i32.load i64.load f32.load f64.load ${each('i32', 'load8_s load8_u load16_s load16_u')} ${each(
      'i64',
      'load8_s load8_u load16_s load16_u load32_s load32_u',
    )} i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32`,
  ],
  [0x3f, 'memory.size memory.grow'],
  [0x41, 'i32.const'],
  [0x42, 'i64.const'],
  [0x43, 'f32.const'],
  [0x44, 'f64.const'],
  [0x45, `${each('i32', compareInteger)} ${each('i64', compareInteger)}`],
  [0x5b, `${each('f32', compareFloat)} ${each('f64', compareFloat)}`],
  [0x67, `${each('i32', integer)} ${each('i64', integer)} ${each('f32', float)} ${each('f64', float)}`],
  [0xa7, each('i32', 'wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u')],
  [0xac, each('i64', 'extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u')],
  [0xb2, each('f32', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64')],
  [0xb7, each('f64', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32')],
  [0xbc, 'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64'],
  [0xc0, 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s'],
  [0xd0, 'ref.null'],
  [0xd1, 'ref.is_null'],
  [0xd2, 'ref.func'],
  [0xd3, 'ref.eq ref.as_non_null'],
  [0xd5, 'br_on_null br_on_non_null'],
];

const gc: readonly Run[] = [
  [0, 'struct.new struct.new_default'],
  [2, 'struct.get struct.get_s struct.get_u struct.set'],
  [6, 'array.new array.new_default'],
  [8, 'array.new_fixed array.new_data array.new_elem'],
  [11, 'array.get array.get_s array.get_u array.set'],
  [15, 'array.len'],
  [16, 'array.fill'],
  [17, 'array.copy array.init_data array.init_elem'],
  [20, 'ref.test ref.test ref.cast ref.cast'],
  [24, 'br_on_cast br_on_cast_fail'],
  [26, 'any.convert_extern extern.convert_any ref.i31 i31.get_s i31.get_u'],
];

const misc: readonly Run[] = [
  [0, each('i32', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')],
  [4, each('i64', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')],
  [8, 'memory.init'],
  [9, 'data.drop'],
  [10, 'memory.copy'],
  [11, 'memory.fill'],
  [12, 'table.init'],
  [13, 'elem.drop'],
  [14, 'table.copy'],
  [15, 'table.grow table.size table.fill'],
  [19, each('i64', 'add128 sub128 mul_wide_s mul_wide_u')],
];

const compareLanes = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const wide = (to: string, from: string, name: string): string =>
  each(to, `${name}_low_${from}_s ${name}_high_${from}_s ${name}_low_${from}_u ${name}_high_${from}_u`);

const simd: readonly Run[] = [
  [
    0x00,
    each(
      'v128',
      'load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u load8_splat load16_splat load32_splat load64_splat store',
    ),
  ],
  [0x0c, 'v128.const i8x16.shuffle'],
  [0x0e, 'i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat'],
  [
    0x15,
    `${each('i8x16', 'extract_lane_s extract_lane_u replace_lane')} ${each(
      'i16x8',
      'extract_lane_s extract_lane_u replace_lane',
    )} ${['i32x4', 'i64x2', 'f32x4', 'f64x2'].map((type) => each(type, 'extract_lane replace_lane')).join(' ')}`,
  ],
  [
    0x23,
    `${each('i8x16', compareLanes)} ${each('i16x8', compareLanes)} ${each('i32x4', compareLanes)} ${each('f32x4', compareFloat)} ${each('f64x2', compareFloat)}`,
  ],
  [0x4d, each('v128', 'not and andnot or xor bitselect any_true')],
  [
    0x54,
    each(
      'v128',
      'load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane',
    ),
  ],
  [0x5c, 'v128.load32_zero v128.load64_zero'],
  [0x5e, 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4'],
  [
    0x60,
    `${each('i8x16', 'abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u')} ${each('f32x4', 'ceil floor trunc nearest')} ${each('i8x16', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u')} ${each('f64x2', 'ceil floor')} ${each('i8x16', 'min_s min_u max_s max_u')} f64x2.trunc i8x16.avgr_u ${each('i16x8', 'extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u')} ${each('i32x4', 'extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u')}`,
  ],
  [
    0x80,
    `${each('i16x8', 'abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u')} ${wide('i16x8', 'i8x16', 'extend')} ${each('i16x8', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u')} f64x2.nearest ${each('i16x8', 'mul min_s min_u max_s max_u')} - i16x8.avgr_u ${wide('i16x8', 'i8x16', 'extmul')}`,
  ],
  [
    0xa0,
    `i32x4.abs i32x4.neg - i32x4.all_true i32x4.bitmask - - ${wide('i32x4', 'i16x8', 'extend')} ${each('i32x4', 'shl shr_s shr_u add')} - - i32x4.sub - - - ${each('i32x4', 'mul min_s min_u max_s max_u dot_i16x8_s')} - ${wide('i32x4', 'i16x8', 'extmul')}`,
  ],
  [
    0xc0,
    `i64x2.abs i64x2.neg - i64x2.all_true i64x2.bitmask - - ${wide('i64x2', 'i32x4', 'extend')} ${each('i64x2', 'shl shr_s shr_u add')} - - i64x2.sub - - - i64x2.mul ${each('i64x2', 'eq ne lt_s gt_s le_s ge_s')} ${wide('i64x2', 'i32x4', 'extmul')}`,
  ],
  [
    0xe0,
    'f32x4.abs f32x4.neg - f32x4.sqrt f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax f64x2.abs f64x2.neg - f64x2.sqrt f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax',
  ],
  [
    0xf8,
    'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u',
  ],
  [
    0x100,
    'i8x16.relaxed_swizzle i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s i32x4.relaxed_dot_i8x16_i7x16_add_s',
  ],
];

const atomicReadModifyWrite = ['add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg'].map(
  (name) =>
    `i32.atomic.rmw.${name} i64.atomic.rmw.${name} i32.atomic.rmw8.${name}_u i32.atomic.rmw16.${name}_u i64.atomic.rmw8.${name}_u i64.atomic.rmw16.${name}_u i64.atomic.rmw32.${name}_u`,
);

const atomic: readonly Run[] = [
  [0x00, 'memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64'],
  [0x03, 'atomic.fence'],
  [
    0x10,
    `i32.atomic.load i64.atomic.load ${each('i32', 'atomic.load8_u atomic.load16_u')} ${each('i64', 'atomic.load8_u atomic.load16_u atomic.load32_u')} i32.atomic.store i64.atomic.store ${each('i32', 'atomic.store8 atomic.store16')} ${each('i64', 'atomic.store8 atomic.store16 atomic.store32')} ${atomicReadModifyWrite.join(' ')}`,
  ],
];

/** The opcodes of one space. */
function space(prefix: number, kinds: Uint8Array, runs: readonly Run[]): OpcodeEntry[] {
  return runs.flatMap(([first, names]) =>
    names.split(' ').flatMap((name, index) => {
      const code = first + index;
      return name === '-' ? [] : [{ prefix, code, name, immediate: kinds[code] as ImmediateKind }];
    }),
  );
}

/** Every opcode known, in order of prefix and number. */
export const OPCODES: readonly OpcodeEntry[] = [
  ...space(0, SINGLE_BYTE, single),
  ...[gc, misc, simd, atomic].flatMap((runs, index) => space(0xfb + index, PREFIXED[index]!, runs)),
];
