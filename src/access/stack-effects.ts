// How many operands each instruction takes from the stack and how many results it leaves. The names of opcodes follow
// rules, so the numbers are derived from the names. Instructions whose numbers depend on their immediates (calls,
// branches, blocks) and those of garbage collection are not here.

import { OPCODES } from '../binary/opcode-names.ts';

/** Stands for an instruction that is not in the table. */
export const UNKNOWN = 0xff;

const EXACT: Readonly<Record<string, readonly [pops: number, pushes: number]>> = {
  nop: [0, 0],
  drop: [1, 0],
  select: [3, 1],
  'local.get': [0, 1],
  'local.set': [1, 0],
  'local.tee': [1, 1],
  'global.get': [0, 1],
  'global.set': [1, 0],
  'table.get': [1, 1],
  'table.set': [2, 0],
  'table.init': [3, 0],
  'table.copy': [3, 0],
  'table.grow': [2, 1],
  'table.size': [0, 1],
  'table.fill': [3, 0],
  'elem.drop': [0, 0],
  'data.drop': [0, 0],
  'memory.size': [0, 1],
  'memory.grow': [1, 1],
  'memory.init': [3, 0],
  'memory.copy': [3, 0],
  'memory.fill': [3, 0],
  'memory.atomic.notify': [2, 1],
  'memory.atomic.wait32': [3, 1],
  'memory.atomic.wait64': [3, 1],
  'atomic.fence': [0, 0],
  'ref.null': [0, 1],
  'ref.is_null': [1, 1],
  'ref.func': [0, 1],
  'i64.add128': [4, 2],
  'i64.sub128': [4, 2],
  'i64.mul_wide_s': [2, 2],
  'i64.mul_wide_u': [2, 2],
  'v128.not': [1, 1],
  'v128.any_true': [1, 1],
  'v128.bitselect': [3, 1],
};

/** The first rule whose pattern the name without its type matches. */
const RULES: readonly (readonly [pattern: RegExp, pops: number, pushes: number])[] = [
  [/^const$/, 0, 1],
  [/^atomic\.rmw\d*\.cmpxchg/, 3, 1],
  [/^atomic\.rmw/, 2, 1],
  [/^(?:atomic\.)?store/, 2, 0],
  [/^load\d+_lane$/, 2, 1],
  [/^(?:atomic\.)?load/, 1, 1],
  [/laneselect|madd|nmadd|_add_s$/, 3, 1],
  [/^replace_lane|^shuffle|swizzle|narrow|^extmul|^dot|relaxed_dot/, 2, 1],
  [
    /^(?:extract_lane|splat|all_true|bitmask|popcnt|ext(?:end|add)|demote|promote|convert|trunc|relaxed_trunc)/,
    1,
    1,
  ],
  [/^(?:eqz|clz|ctz|abs|neg|ceil|floor|nearest|sqrt|wrap|reinterpret)/, 1, 1],
];

function effectOf(name: string): readonly [number, number] | null {
  const exact = EXACT[name];
  if (exact !== undefined) return exact;
  const dot = name.indexOf('.');
  if (dot < 0 || !/^(?:[if](?:32|64)|v128|[if]\d+x\d+)$/.test(name.slice(0, dot))) return null;
  const operation = name.slice(dot + 1);
  const rule = RULES.find(([pattern]) => pattern.test(operation));
  return rule === undefined ? [2, 1] : [rule[1], rule[2]];
}

const SPACE = 0x200;
const table = new Uint16Array(5 * SPACE).fill((UNKNOWN << 8) | UNKNOWN);
const spaceOf = (prefix: number): number => (prefix === 0 ? 0 : prefix - 0xfa) * SPACE;
for (const { prefix, code, name } of OPCODES) {
  if (prefix === 0xfb) continue;
  const effect = effectOf(name);
  if (effect !== null) table[spaceOf(prefix) + code] = (effect[0] << 8) | effect[1];
}

/** Operands that an opcode takes; UNKNOWN when it is not in the table. */
export function popsOf(prefix: number, code: number): number {
  return code < SPACE ? table[spaceOf(prefix) + code]! >> 8 : UNKNOWN;
}

/** Results that an opcode leaves. */
export function pushesOf(prefix: number, code: number): number {
  return table[spaceOf(prefix) + code]! & 0xff;
}
