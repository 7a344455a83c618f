// Records the calls in every function body, and nothing else, in typed arrays. The loop reads the common
// opcodes itself; skipInstruction of `binary` skips the others. The loop also follows the nesting of blocks,
// for two reasons. A body must end where its outermost block ends, which reveals an instruction that was
// decoded wrongly. And if control flow joins between two calls, the second call cannot rely on the value that
// the first one left in `top`.

import { withRoom } from '../algorithms/growable-array.ts';
import { unitDone } from '../algorithms/watched-work.ts';
import {
  Immediate,
  Opcode,
  peekU32,
  SINGLE_BYTE,
  skipInstruction,
  skipLeb,
  type WasmModule,
} from '../binary/index.ts';
import { InvalidModuleError } from '../errors.ts';

/** Bits of `CallSites.flags`. */
export const SiteFlag = {
  /** return_call, return_call_indirect, return_call_ref. */
  Tail: 1,
  /** Control flow joins somewhere between the previous call of the body and this one. */
  Join: 2,
  /** call_indirect: `target` is a type index; `tables` has the table. */
  Indirect: 4,
  /** call_ref: `target` is a type index. */
  Reference: 8,
} as const;

/** All calls of a module in order of position. */
export interface CallSites {
  readonly count: number;
  /** File offset of the call opcode. */
  readonly position: Uint32Array;
  /** Function index, or type index of indirect calls. */
  readonly target: Uint32Array;
  readonly flags: Uint8Array;
  /** Tables of the indirect calls that use a table other than 0, by site. */
  readonly tables: ReadonlyMap<number, number>;
  /** First site of each body; one more entry than bodies. */
  readonly first: Uint32Array;
  /**
   * File offset in each body of the innermost place that every path to any call passes exactly once. `fp` is computed
   * there, so that paths without calls do not pay for it.
   */
  readonly entry: Uint32Array;
  /** File offset of the first loop of each body; 0 for none. */
  readonly firstLoop: Uint32Array;
  /** Functions whose references code takes (ref.func). */
  readonly referenced: ReadonlySet<number>;
}

// What the loop does with an opcode. For the first three, `action + 1` is the number of bytes up to the last
// immediate.
enum Action {
  /** No immediates. */
  Skip = 0,
  /** One LEB128 immediate. */
  Leb = 1,
  /** Alignment and offset. */
  Memory = 2,
  Block = 3,
  Loop = 4,
  End = 5,
  Join = 6,
  Call = 7,
  Indirect = 8,
  Reference = 9,
  RefFunc = 10,
  /** try_table: opens a block, and has more immediates than other openers. */
  Try = 11,
  Delegate = 12,
  Other = 13,
}

const actions = new Uint8Array(0x100).fill(Action.Other);
SINGLE_BYTE.forEach((kind, opcode) => {
  if (kind === Immediate.None) actions[opcode] = Action.Skip;
  else if (kind === Immediate.Index || kind === Immediate.S32 || kind === Immediate.S64)
    actions[opcode] = Action.Leb;
  else if (kind === Immediate.Memory) actions[opcode] = Action.Memory;
});
for (const opcode of [Opcode.Block, Opcode.If, Opcode.Try]) actions[opcode] = Action.Block;
for (const opcode of [Opcode.Else, Opcode.Catch, Opcode.CatchAll]) actions[opcode] = Action.Join;
for (const opcode of [Opcode.Call, Opcode.ReturnCall]) actions[opcode] = Action.Call;
for (const opcode of [Opcode.CallIndirect, Opcode.ReturnCallIndirect]) actions[opcode] = Action.Indirect;
for (const opcode of [Opcode.CallRef, Opcode.ReturnCallRef]) actions[opcode] = Action.Reference;
actions[Opcode.Loop] = Action.Loop;
actions[Opcode.End] = Action.End;
actions[Opcode.Delegate] = Action.Delegate;
actions[Opcode.TryTable] = Action.Try;
actions[Opcode.RefFunc] = Action.RefFunc;

/**
 * Finds the entry place of each body. Structured control flow makes this simple: a place dominates all code
 * after it up to the end of the block (or arm) around it, and control passes it once if no loop encloses it.
 * So the place is at first that of the first call, or of the outermost loop around this call. When a call
 * appears after the block around the place has ended, the place moves to the beginning of the block that
 * stands beside this call.
 */
class EntryFinder {
  /**
   * Offset of the opcode that opened each enclosing block, by the number of blocks around the opcode; the
   * body is one.
   */
  readonly openers: number[] = [];
  /** 1 for openers that are loops. */
  readonly loops: number[] = [];
  /** File offset of the entry place; 0 before the first call. */
  place = 0;
  /** Number of blocks around the place, the body's own included. */
  depth = 0;
  /** The openers at the first call. */
  readonly #around: number[] = [];

  start(): void {
    this.place = 0;
    this.depth = 0;
  }

  /** Takes note of the first call of the body, which has `depth` blocks around it. */
  first(at: number, depth: number): void {
    this.place = at;
    this.depth = depth;
    for (let each = 1; each < depth; each += 1) {
      this.#around[each] = this.openers[each]!;
      if (this.loops[each] === 1 && this.depth === depth) {
        this.place = this.openers[each]!;
        this.depth = each;
      }
    }
  }

  /** Moves the place to the block at `depth`, because a call stands beside this block. */
  raise(depth: number): void {
    this.place = this.#around[depth]!;
    this.depth = depth;
  }
}

class SiteRecorder {
  count = 0;
  position = new Uint32Array(1024);
  target = new Uint32Array(1024);
  flags = new Uint8Array(1024);
  readonly tables = new Map<number, number>();
  readonly referenced = new Set<number>();
  readonly entries = new EntryFinder();
  /** File offset of the first loop of the body; 0 for none. */
  firstLoop = 0;

  /** Makes room for all calls that `length` bytes of code can hold: a call takes at least two bytes. */
  reserve(length: number): void {
    const needed = this.count + (length >> 1) + 1;
    this.position = withRoom(this.position, needed);
    this.target = withRoom(this.target, needed);
    this.flags = withRoom(this.flags, needed);
  }
}

/** Records the calls in a body's instructions, which lie between `start` and `end`. */
function scanCode(bytes: Uint8Array, start: number, end: number, sites: SiteRecorder): void {
  const { position, target, flags, entries } = sites;
  const { openers, loops } = entries;
  let count = sites.count;
  let join = 0;
  let firstLoop = 0;
  let depth = 1;
  // The least depth at which a block or an arm ended since the entry place. All deeper blocks have ended, too.
  let closed = Number.POSITIVE_INFINITY;
  entries.start();
  let at = start;
  while (at < end) {
    const opcode = bytes[at]!;
    const action = actions[opcode]!;
    if (action <= Action.Memory) {
      // Memory flags from 0x40 on take two bytes or name a memory.
      if (action === Action.Memory && bytes[at + 1]! >= 0x40) {
        at = skipInstruction(bytes, at, end);
        continue;
      }
      at += action + 1;
      if (action !== Action.Skip) while (bytes[at - 1]! >= 0x80) at += 1;
      continue;
    }
    if (action >= Action.Call && action <= Action.Reference) {
      if (entries.place === 0) {
        entries.first(at, depth);
        closed = entries.depth;
      } else if (closed < entries.depth) entries.raise(closed);
    }
    switch (action) {
      case Action.Loop:
        join = SiteFlag.Join;
        if (firstLoop === 0) firstLoop = at;
        openers[depth] = at;
        loops[depth] = 1;
        depth += 1;
        at = skipInstruction(bytes, at, end);
        break;
      case Action.Block:
        openers[depth] = at;
        loops[depth] = 0;
        depth += 1;
        // 0x40 is the empty type, which most blocks have.
        at = bytes[at + 1] === 0x40 ? at + 2 : skipInstruction(bytes, at, end);
        break;
      case Action.Try:
        openers[depth] = at;
        loops[depth] = 0;
        depth += 1;
        at = skipInstruction(bytes, at, end);
        break;
      case Action.End:
      case Action.Delegate:
        join = SiteFlag.Join;
        depth -= 1;
        if (depth < closed) closed = depth;
        at = action === Action.End ? at + 1 : skipInstruction(bytes, at, end);
        if (depth === 0 && at !== end) {
          throw new InvalidModuleError(
            `function body continues after its end at offset 0x${at.toString(16)}`,
            at,
          );
        }
        break;
      case Action.Join:
        join = SiteFlag.Join;
        if (depth - 1 < closed) closed = depth - 1;
        at = skipInstruction(bytes, at, end);
        break;
      case Action.Call: {
        position[count] = at;
        flags[count] = join | (opcode === Opcode.ReturnCall ? SiteFlag.Tail : 0);
        at += 1;
        let byte = bytes[at++]!;
        let callee = byte & 0x7f;
        for (let shift = 7; byte >= 0x80; shift += 7) {
          byte = bytes[at++]!;
          if (shift < 32) callee |= (byte & 0x7f) << shift;
        }
        target[count] = callee;
        count += 1;
        join = 0;
        break;
      }
      case Action.Indirect: {
        position[count] = at;
        flags[count] = join | SiteFlag.Indirect | (opcode === Opcode.ReturnCallIndirect ? SiteFlag.Tail : 0);
        target[count] = peekU32(bytes, at + 1);
        const table = peekU32(bytes, skipLeb(bytes, at + 1));
        if (table !== 0) sites.tables.set(count, table);
        at = skipInstruction(bytes, at, end);
        count += 1;
        join = 0;
        break;
      }
      case Action.Reference:
        position[count] = at;
        flags[count] = join | SiteFlag.Reference | (opcode === Opcode.ReturnCallRef ? SiteFlag.Tail : 0);
        target[count] = peekU32(bytes, at + 1);
        at = skipInstruction(bytes, at, end);
        count += 1;
        join = 0;
        break;
      case Action.RefFunc:
        sites.referenced.add(peekU32(bytes, at + 1));
        at = skipInstruction(bytes, at, end);
        break;
      default:
        at = skipInstruction(bytes, at, end);
    }
  }
  if (at !== end || depth !== 0) {
    throw new InvalidModuleError(`function body at offset 0x${start.toString(16)} is cut short`, start);
  }
  sites.count = count;
  sites.firstLoop = firstLoop;
}

/**
 * Records every call of the module. Throws an InvalidModuleError, or an UnsupportedModuleError at unknown
 * opcodes.
 */
export function scanCalls(module: WasmModule): CallSites {
  const { bytes, bodies } = module;
  const sites = new SiteRecorder();
  const first = new Uint32Array(bodies.length + 1);
  const { code } = module.heads;
  const entry = new Uint32Array(bodies.length);
  const firstLoop = new Uint32Array(bodies.length);
  bodies.forEach((body, index) => {
    unitDone();
    first[index] = sites.count;
    sites.reserve(body.end - body.start);
    scanCode(bytes, code[index]!, body.end, sites);
    entry[index] = sites.entries.place;
    firstLoop[index] = sites.firstLoop;
  });
  first[bodies.length] = sites.count;
  const { count, position, target, flags, tables, referenced } = sites;
  checkIndices(module, sites);
  return { count, position, target, flags, tables, first, entry, firstLoop, referenced };
}

/** Checks that calls lead to functions, and indirect calls to function types, because the call graph relies on it. */
function checkIndices(module: WasmModule, sites: SiteRecorder): void {
  const fail = (what: string, at: number): never => {
    throw new InvalidModuleError(
      `call at offset 0x${at.toString(16)} names ${what}, which does not exist`,
      at,
    );
  };
  for (let site = 0; site < sites.count; site += 1) {
    const target = sites.target[site]!;
    const at = sites.position[site]!;
    if ((sites.flags[site]! & (SiteFlag.Indirect | SiteFlag.Reference)) === 0) {
      if (target >= module.functions.length) fail(`function ${target}`, at);
    } else if (module.types[target]?.kind !== 'function') fail(`function type ${target}`, at);
  }
  for (const [site, table] of sites.tables) {
    if (table >= module.tables.length) fail(`table ${table}`, sites.position[site]!);
  }
  for (const index of sites.referenced) {
    if (index >= module.functions.length) {
      throw new InvalidModuleError(`ref.func names function ${index}, which does not exist`);
    }
  }
}
