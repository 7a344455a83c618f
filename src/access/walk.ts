// Decides which checks a function needs. The walk follows the stack of operands as far as this is needed to know which
// addresses have the same base. It leaves out accesses to the function's own frame, to static data, and to bytes that
// were checked since the last call that may free something.

import { lastAtMost } from '../algorithms/binary-search.ts';
import {
  branchTableLabels,
  Opcode,
  peekI32,
  peekU32,
  skipInstruction,
  skipLeb,
  skipValueType,
  type WasmModule,
} from '../binary/index.ts';
import type { CallSites } from '../instrument/index.ts';
import { NULL_END } from '../runtime/layout.ts';
import { isChecked, withChecked } from './facts.ts';
import { Frame } from './frame.ts';
import { isThrow } from './leaving.ts';
import { AccessReader, codeAt, MISC_PREFIX, prefixAt, rangeAccessAt } from './memory-instructions.ts';
import { OperandStack } from './operand-stack.ts';
import { type Group, Region } from './region.ts';
import { popsOf, pushesOf, UNKNOWN } from './stack-effects.ts';
import {
  CONSTANT,
  copyState,
  FRAME,
  forgetLocals,
  initialState,
  joinStates,
  Mark,
  type MarkCode,
  type State,
  settle,
  Values,
} from './values.ts';
import type { Variables } from './variables.ts';

/** What is to be inserted, in order of position. */
export type Planned =
  | { readonly kind: 'check'; readonly group: Group }
  /** The address is a constant that is probably bad: near 0, or in the redzone of a global variable. */
  | { readonly kind: 'bad'; readonly group: Group }
  | { readonly kind: 'range'; readonly position: number; readonly reads: boolean }
  | { readonly kind: 'call'; readonly position: number }
  /** An instruction that leaves frames. */
  | { readonly kind: 'leave'; readonly position: number };

/** What the walk has to know of the module. */
export interface WalkedModule {
  readonly module: WasmModule;
  /** What is added to file offsets to get sites. */
  readonly siteOffset: number;
  /** Index of the global with the stack pointer; -1 when it is not known. */
  readonly stackPointer: number;
  /** Offsets from here up to `staticEnd` are those of static data; both 0 when structures may have such offsets. */
  readonly staticStart: number;
  readonly staticEnd: number;
  readonly variables: Variables;
  readonly sites: CallSites;
  /** 1 for the sites whose calls may free something. */
  readonly closing: Uint8Array;
  /** Functions whose calls are replaced. */
  readonly replaced: ReadonlyMap<number, number>;
  /** Index of the function that opens frames before they are left; null when there is nothing to open. */
  readonly opener: number | null;
}

/** A block that encloses the place of the walk. */
interface Label {
  opcode: number;
  /** Values on the stack below the block. */
  readonly height: number;
  readonly parameters: number;
  readonly results: number;
  /** What is true at all branches to its end so far; null when there was none. */
  pending: State | null;
  /** Of an `if`: the state before it, for the other arm. */
  before: State | null;
  readonly wasDead: boolean;
}

/** What happens in a loop, so that its beginning knows what a further round may find. */
interface LoopFacts {
  /** Where its part begins and ends of the locals that are set in loops. */
  readonly firstSet: number;
  endSet: number;
  frees: boolean;
  /** File offset of its end. */
  end: number;
}

/** The stack cannot be followed, or following it takes too long. */
class LostTrack extends Error {}

/** Copies of locals that the walk of one function may make. */
const MOST_COPIES = 2 ** 23;
const RETURN_CALLS: ReadonlySet<number> = new Set([
  Opcode.ReturnCall,
  Opcode.ReturnCallIndirect,
  Opcode.ReturnCallRef,
]);
const SELECT_TYPED = 0x1c;
const EMPTY = 0x40;

/** Instructions that may trap for another reason than their address: what follows them may never run. */
function mayTrap(opcode: number): boolean {
  return (
    (opcode >= 0x6d && opcode <= 0x70) ||
    (opcode >= 0x7f && opcode <= 0x82) ||
    (opcode >= 0xa8 && opcode <= 0xab) ||
    (opcode >= 0xae && opcode <= 0xb1)
  );
}

function isCall(opcode: number): boolean {
  return (
    (opcode >= Opcode.Call && opcode <= Opcode.ReturnCallIndirect) ||
    opcode === Opcode.CallRef ||
    opcode === Opcode.ReturnCallRef
  );
}

/** Arithmetic of one or two operands, whose result depends on nothing else. */
function isPure(opcode: number): boolean {
  return opcode >= 0x45 && opcode <= 0xc4;
}

/** The walk over one function. */
export class Walk {
  readonly #bytes: Uint8Array;
  readonly #module: WasmModule;
  readonly #start: number;
  readonly #end: number;
  readonly #values: Values;
  readonly #stack = new OperandStack();
  readonly #labels: Label[] = [];
  readonly #region = new Region();
  readonly #planned: Planned[] = [];
  readonly #reader: AccessReader;
  readonly #loops = new Map<number, LoopFacts>();
  /** The local of each instruction in a loop that sets one, in order. */
  readonly #setInLoops: number[] = [];
  /** The local that had a value of each base last. It may have another one by now. */
  readonly #holders: number[] = [];
  /** Where the walk met the last instruction that sets each local. */
  readonly #setAt: number[] = [];
  readonly #frame: Frame;
  /** The stack pointer is followed like a local, behind those that the function has. */
  readonly #pointer: number;
  #state: State;
  #dead = false;
  /** Where the code of the loop ends that the walk is in. Behind it the walk is in no loop. */
  #loopEnd = 0;
  #copies = 0;

  constructor(
    readonly walked: WalkedModule,
    readonly body: number,
  ) {
    const { module } = walked;
    this.#module = module;
    this.#bytes = module.bytes;
    this.#reader = new AccessReader(module.bytes);
    this.#start = module.heads.code[body]!;
    this.#end = module.bodies[body]!.end;
    this.#values = new Values(this.#end - this.#start);
    const type = module.functionType(module.importedFunctions + body);
    this.#frame = new Frame(walked.variables);
    this.#pointer = module.heads.locals[body]!;
    this.#state = initialState(this.#values, type.parameters.length, this.#pointer);
    this.#labels.push({
      opcode: Opcode.Block,
      height: 0,
      parameters: 0,
      results: type.results.length,
      pending: null,
      before: null,
      wasDead: false,
    });
  }

  /** What is to be inserted; null when the stack of the function cannot be followed. */
  plan(): readonly Planned[] | null {
    try {
      this.#findLoops();
      const bytes = this.#bytes;
      for (let at = this.#start; at < this.#end; ) {
        const next = skipInstruction(bytes, at, this.#end);
        this.#step(at);
        at = next;
      }
      return this.#planned;
    } catch (error) {
      if (error instanceof LostTrack) return null;
      throw error;
    }
  }

  /** Collects for each loop where it sets locals, and whether it may free something. */
  #findLoops(): void {
    const bytes = this.#bytes;
    const first = this.walked.sites.firstLoop[this.body]!;
    if (first === 0) return;
    const open: LoopFacts[] = [];
    // How many blocks are open in each of these loops, with the loop itself.
    const blocks: number[] = [];
    for (let at = first; at < this.#end; at = skipInstruction(bytes, at, this.#end)) {
      const innermost = open.length - 1;
      const opcode = bytes[at]!;
      if (opcode === Opcode.Loop) {
        const facts = { firstSet: this.#setInLoops.length, endSet: 0, frees: false, end: 0 };
        this.#loops.set(at, facts);
        open.push(facts);
        blocks.push(1);
      } else if (innermost >= 0) {
        switch (opcode) {
          case Opcode.Block:
          case Opcode.If:
          case Opcode.Try:
          case Opcode.TryTable:
            blocks[innermost]! += 1;
            break;
          case Opcode.End:
          case Opcode.Delegate:
            blocks[innermost]! -= 1;
            if (blocks[innermost] === 0) {
              blocks.pop();
              this.#endLoop(open.pop()!, open[innermost - 1], at);
            }
            break;
          case Opcode.LocalSet:
          case Opcode.LocalTee:
            this.#setInLoops.push(peekU32(bytes, at + 1));
            break;
          case Opcode.GlobalSet:
            if (peekU32(bytes, at + 1) === this.walked.stackPointer) this.#setInLoops.push(this.#pointer);
            break;
          default:
            if (isCall(opcode) && this.#frees(at)) open[innermost]!.frees = true;
        }
      }
    }
  }

  /** What happens in a loop happens in the one around it, too. */
  #endLoop(loop: LoopFacts, around: LoopFacts | undefined, at: number): void {
    loop.end = at;
    loop.endSet = this.#setInLoops.length;
    if (around !== undefined) around.frees ||= loop.frees;
  }

  /** Whether the call at this file offset may free something. */
  #frees(at: number): boolean {
    const { sites, closing } = this.walked;
    const [first, end] = [sites.first[this.body]!, sites.first[this.body + 1]!];
    return closing[lastAtMost(sites.position, at, first, end)] === 1;
  }

  #spend(copies: number): void {
    this.#copies += copies;
    if (this.#copies > MOST_COPIES) throw new LostTrack();
  }

  // -- the stack ---------------------------------------------------------------------------------------------------

  #push(base: number, offset: number): void {
    this.#stack.push(base, offset);
  }

  #pushFresh(count = 1): void {
    for (let left = count; left > 0; left -= 1) this.#push(this.#values.fresh(), 0);
  }

  /** Takes operands off the stack; the index of the lowest one, whose value is still there. */
  #pop(count: number): number {
    const height = this.#stack.height - count;
    if (height < this.#labels[this.#labels.length - 1]!.height) throw new LostTrack();
    return height;
  }

  #drop(count: number): void {
    this.#truncate(this.#pop(count));
  }

  #truncate(height: number): void {
    this.#stack.height = height;
  }

  // -- control flow ------------------------------------------------------------------------------------------------

  /** Ends the stretch in which accesses are checked together. */
  #endRegion(): void {
    const { groups } = this.#region;
    if (groups.length === 0) return;
    for (const group of groups) {
      if (!group.isJoined) this.#planned.push({ kind: 'check', group });
      this.#state.facts = withChecked(this.#state.facts, group.base, group.from, group.to);
    }
    this.#region.clear();
  }

  #copy(): State {
    this.#spend(this.#state.locals.length + 1);
    return copyState(this.#state);
  }

  #join(into: State, other: State): void {
    this.#spend(into.locals.length + (into.facts?.count ?? 0) + (other.facts?.count ?? 0) + 1);
    joinStates(into, other);
  }

  /** Control may go to the end of the label at this depth. */
  #branch(depth: number): void {
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) throw new LostTrack();
    if (label.opcode === Opcode.Loop) return;
    if (label.pending === null) label.pending = this.#copy();
    else this.#join(label.pending, this.#state);
  }

  /** Nothing runs after this instruction. */
  #die(): void {
    this.#dead = true;
  }

  #open(at: number, opcode: number, parameters: number, results: number): void {
    if (this.#dead) {
      const height = this.#stack.height;
      this.#labels.push({ opcode, height, parameters, results, pending: null, before: null, wasDead: true });
      return;
    }
    if (opcode === Opcode.If) this.#drop(1);
    if (opcode !== Opcode.Block) this.#endRegion();
    const height = this.#pop(parameters);
    const before = opcode === Opcode.If ? this.#copy() : null;
    this.#labels.push({ opcode, height, parameters, results, pending: null, before, wasDead: false });
    if (opcode === Opcode.Loop) this.#enterLoop(at, height, parameters);
  }

  /** At the beginning of a loop, only what holds in each round is known. */
  #enterLoop(at: number, height: number, parameters: number): void {
    const { firstSet, endSet, frees, end } = this.#loops.get(at)!;
    this.#loopEnd = Math.max(this.#loopEnd, end);
    if (frees) this.#state.facts = null;
    this.#spend(endSet - firstSet);
    const { locals } = this.#state;
    const before = this.#values.fresh();
    for (let set = firstSet; set < endSet; set += 1) {
      const local = this.#setInLoops[set]!;
      if (locals[2 * local]! > before) continue;
      locals[2 * local] = this.#values.fresh();
      locals[2 * local + 1] = 0;
    }
    this.#truncate(height);
    this.#pushFresh(parameters);
  }

  #openBlock(at: number, opcode: number): void {
    const byte = this.#bytes[at + 1]!;
    if (byte === EMPTY) this.#open(at, opcode, 0, 0);
    else if (byte === 0x63 || byte === 0x64 || (byte & 0xc0) === 0x40) this.#open(at, opcode, 0, 1);
    else {
      const type = this.#module.types[peekU32(this.#bytes, at + 1)];
      if (type === undefined) throw new LostTrack();
      this.#open(at, opcode, type.parameters.length, type.results.length);
    }
  }

  /** try_table: an exception anywhere inside leads to the labels of its clauses. */
  #openTryTable(at: number): void {
    const bytes = this.#bytes;
    let next = (bytes[at + 1]! & 0xc0) === 0x40 ? skipValueType(bytes, at + 1) : skipLeb(bytes, at + 1);
    if (!this.#dead) {
      this.#endRegion();
      const clauses = peekU32(bytes, next);
      next = skipLeb(bytes, next);
      for (let clause = 0; clause < clauses; clause += 1) {
        const kind = bytes[next]!;
        next = kind < 2 ? skipLeb(bytes, next + 1) : next + 1;
        this.#branchUnknown(peekU32(bytes, next));
        next = skipLeb(bytes, next);
      }
    }
    this.#openBlock(at, Opcode.TryTable);
  }

  /** Control may go to the end of the label with any values in locals. */
  #branchUnknown(depth: number): void {
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) throw new LostTrack();
    if (label.opcode === Opcode.Loop) throw new LostTrack();
    label.pending ??= this.#copy();
    this.#spend(label.pending.locals.length);
    forgetLocals(label.pending);
  }

  /** The part of a block behind `else`, `catch` or `catch_all`. @param values how many the part finds on the stack */
  #nextArm(opcode: number, values: number): void {
    const label = this.#labels.at(-1);
    if (label === undefined) throw new LostTrack();
    if (!this.#dead) {
      this.#endRegion();
      this.#branch(0);
    }
    this.#dead = label.wasDead;
    if (this.#dead) return;
    this.#truncate(label.height);
    if (opcode === Opcode.Else) {
      if (label.before === null) throw new LostTrack();
      this.#state = label.before;
      label.before = null;
      label.opcode = Opcode.Else;
    } else {
      forgetLocals(this.#state);
      this.#spend(this.#state.locals.length);
      settle(this.#state, this.#values);
    }
    this.#pushFresh(values);
  }

  #catch(at: number): void {
    const tag = this.#module.tags[peekU32(this.#bytes, at + 1)];
    const type = tag === undefined ? undefined : this.#module.types[tag];
    if (type === undefined) throw new LostTrack();
    this.#nextArm(Opcode.Catch, type.parameters.length);
  }

  #endBlock(): void {
    const label = this.#labels.pop();
    if (label === undefined) throw new LostTrack();
    if (!this.#dead && this.#stack.height !== label.height + label.results) throw new LostTrack();
    if (label.pending !== null || label.before !== null || this.#labels.length === 0) {
      if (!this.#dead) this.#endRegion();
    }
    if (label.before !== null) {
      if (label.pending === null) label.pending = label.before;
      else this.#join(label.pending, label.before);
    }
    if (label.pending !== null) {
      if (!this.#dead) this.#join(label.pending, this.#state);
      this.#state = label.pending;
      settle(this.#state, this.#values);
      this.#dead = false;
    }
    if (this.#dead) return;
    this.#truncate(label.height);
    this.#pushFresh(label.results);
  }

  #branchTable(at: number): void {
    this.#drop(1);
    this.#endRegion();
    for (const depth of branchTableLabels(this.#bytes, at + 1)) this.#branch(depth);
    this.#die();
  }

  #call(at: number, opcode: number): void {
    const index = peekU32(this.#bytes, at + 1);
    const direct = opcode === Opcode.Call || opcode === Opcode.ReturnCall;
    const type = direct ? this.#module.functionType(index) : this.#module.types[index];
    if (type === undefined) throw new LostTrack();
    this.#drop(type.parameters.length + (direct ? 0 : 1));
    this.#endRegion();
    if (opcode === Opcode.Call && this.walked.replaced.has(index)) {
      this.#planned.push({ kind: 'call', position: at });
    }
    if (this.#frees(at)) this.#state.facts = null;
    if (RETURN_CALLS.has(opcode)) this.#die();
    else this.#pushFresh(type.results.length);
  }

  // -- instructions ------------------------------------------------------------------------------------------------

  #step(at: number): void {
    const bytes = this.#bytes;
    const opcode = bytes[at]!;
    switch (opcode) {
      case Opcode.Block:
      case Opcode.Loop:
      case Opcode.If:
      case Opcode.Try:
        this.#openBlock(at, opcode);
        return;
      case Opcode.TryTable:
        this.#openTryTable(at);
        return;
      case Opcode.Else:
        this.#nextArm(Opcode.Else, this.#labels.at(-1)!.parameters);
        return;
      case Opcode.Catch:
        this.#catch(at);
        return;
      case Opcode.CatchAll:
        this.#nextArm(Opcode.CatchAll, 0);
        return;
      case Opcode.End:
      case Opcode.Delegate:
        this.#endBlock();
        return;
    }
    if (this.#dead) return;
    switch (opcode) {
      case Opcode.Br:
        this.#endRegion();
        this.#branch(peekU32(bytes, at + 1));
        this.#die();
        return;
      case Opcode.BrIf:
        this.#drop(1);
        this.#endRegion();
        this.#branch(peekU32(bytes, at + 1));
        return;
      case Opcode.BrTable:
        this.#branchTable(at);
        return;
      case Opcode.Unreachable:
      case Opcode.Return:
      case Opcode.Throw:
      case Opcode.Rethrow:
      case Opcode.ThrowRef:
        this.#endRegion();
        if (isThrow(opcode) && this.walked.opener !== null)
          this.#planned.push({ kind: 'leave', position: at });
        this.#die();
        return;
      case Opcode.Call:
      case Opcode.CallIndirect:
      case Opcode.CallRef:
      case Opcode.ReturnCall:
      case Opcode.ReturnCallIndirect:
      case Opcode.ReturnCallRef:
        this.#call(at, opcode);
        return;
      case Opcode.LocalGet: {
        const local = peekU32(bytes, at + 1);
        this.#holders[this.#state.locals[2 * local]!] = local;
        this.#getLocal(local);
        return;
      }
      case Opcode.LocalSet:
      case Opcode.LocalTee: {
        const local = peekU32(bytes, at + 1);
        const top = this.#pop(1);
        this.#setAt[local] = at;
        this.#holders[this.#stack.base(top)] = local;
        this.#setLocal(local, top);
        if (opcode === Opcode.LocalSet) this.#truncate(top);
        return;
      }
      case Opcode.GlobalGet:
        if (peekU32(bytes, at + 1) === this.walked.stackPointer) this.#getLocal(this.#pointer);
        else this.#pushFresh();
        return;
      case Opcode.GlobalSet: {
        const top = this.#pop(1);
        if (peekU32(bytes, at + 1) === this.walked.stackPointer) this.#setLocal(this.#pointer, top);
        this.#truncate(top);
        return;
      }
      case Opcode.I32Const:
        this.#push(CONSTANT, peekI32(bytes, at + 1));
        return;
      case Opcode.Select:
      case SELECT_TYPED:
        this.#select();
        return;
    }
    if (isPure(opcode)) this.#arithmetic(opcode);
    else this.#other(at);
  }

  #getLocal(local: number): void {
    const { locals } = this.#state;
    this.#push(locals[2 * local]!, locals[2 * local + 1]!);
  }

  /** @param operand index of the value in the stack */
  #setLocal(local: number, operand: number): void {
    const { locals } = this.#state;
    locals[2 * local] = this.#stack.base(operand);
    locals[2 * local + 1] = this.#stack.offset(operand);
  }

  #select(): void {
    const low = this.#pop(3);
    const one = this.#values.markOf(this.#stack.base(low));
    const mark = one === this.#values.markOf(this.#stack.base(low + 1)) ? one : Mark.None;
    this.#truncate(low);
    this.#push(this.#values.marked(mark), 0);
  }

  #arithmetic(opcode: number): void {
    if (mayTrap(opcode)) this.#endRegion();
    const pops = popsOf(0, opcode);
    const low = this.#pop(pops);
    const base = this.#stack.base(low);
    const offset = this.#stack.offset(low);
    if (pops === 1) {
      this.#truncate(low);
      this.#push(this.#values.pure(opcode, base, offset, 0, 0, Mark.None), 0);
      return;
    }
    const right = this.#stack.base(low + 1);
    const rightOffset = this.#stack.offset(low + 1);
    this.#truncate(low);
    const mark = Math.max(this.#values.markOf(base), this.#values.markOf(right)) as MarkCode;
    if (opcode === Opcode.I32Add) {
      if (right === CONSTANT) this.#push(base, offset + rightOffset);
      else if (base === CONSTANT) this.#push(right, offset + rightOffset);
      else {
        const sum = this.#values.pure(opcode, Math.min(base, right), 0, Math.max(base, right), 0, mark);
        this.#push(sum, offset + rightOffset);
      }
    } else if (opcode === Opcode.I32Sub) {
      if (right === CONSTANT) this.#push(base, offset - rightOffset);
      else this.#push(this.#values.pure(opcode, base, 0, right, 0, Mark.None), offset - rightOffset);
    } else if (opcode === Opcode.I32Or && base === FRAME && right === CONSTANT) {
      // The frame is aligned, so the bits are added.
      this.#push(base, offset + rightOffset);
    } else {
      // Alignment stays in the frame. Code that looks after redzones combines addresses of the shadow in other ways, too.
      const kept = opcode === Opcode.I32And || mark === Mark.Shadow ? mark : Mark.None;
      this.#push(this.#values.pure(opcode, base, offset, right, rightOffset, kept), 0);
    }
  }

  #other(at: number): void {
    const bytes = this.#bytes;
    const prefix = prefixAt(bytes, at);
    const code = codeAt(bytes, at, prefix);
    const pops = popsOf(prefix, code);
    if (pops === UNKNOWN) throw new LostTrack();
    const low = this.#pop(pops);
    if (this.#reader.read(at, prefix, code)) {
      const describes = prefix === 0 && this.#describesFrame(code, low);
      // A check before a redzone is opened or closed says nothing of what follows.
      if (this.#values.markOf(this.#stack.base(low)) === Mark.Shadow) this.#endRegion();
      else if (prefix === 0 && this.#mayWriteShadow(code, low)) {
        this.#endRegion();
        this.#access(at, this.#stack.base(low), this.#stack.offset(low));
        this.#endRegion();
      } else if (!describes) this.#access(at, this.#stack.base(low), this.#stack.offset(low));
      if (prefix === 0 && this.#loadsShadow(code, low)) {
        this.#truncate(low);
        this.#push(this.#values.marked(Mark.Shadow), 0);
        return;
      }
    } else if (prefix === MISC_PREFIX) {
      const range = rangeAccessAt(bytes, at, code);
      if (range !== null) {
        this.#endRegion();
        this.#planned.push({ kind: 'range', position: at, reads: range.reads });
      }
    }
    this.#truncate(low);
    this.#pushFresh(pushesOf(prefix, code));
  }

  /** Whether a load reads where the shadow is, for code that writes the shadow of its frame. */
  #loadsShadow(opcode: number, low: number): boolean {
    return (
      opcode === Opcode.I32Load &&
      this.#stack.base(low) === CONSTANT &&
      (this.#stack.offset(low) >>> 0) + this.#reader.immediate === this.walked.variables.shadowWord
    );
  }

  /**
   * Whether a store may open or close variables of the frame: at places where control flow joins, nobody knows which locals
   * have addresses of the shadow. What is written there is constant.
   * @param low index of the address in the stack
   */
  #mayWriteShadow(opcode: number, low: number): boolean {
    if (!this.#frame.isDescribed) return false;
    const isWord = opcode === Opcode.I32Store || opcode === Opcode.I32Store8 || opcode === Opcode.I32Store16;
    if (!(isWord ? this.#stack.base(low + 1) === CONSTANT : opcode === Opcode.I64Store)) return false;
    const base = this.#stack.base(low);
    return base !== CONSTANT && this.#values.markOf(base) === Mark.None;
  }

  /**
   * Notes constants that a function writes to its frame, because they may say where variables are. True for the word that
   * says that the frame ends.
   * @param low index of the address in the stack
   */
  #describesFrame(opcode: number, low: number): boolean {
    const stack = this.#stack;
    if (opcode !== Opcode.I32Store || stack.base(low) !== FRAME || stack.base(low + 1) !== CONSTANT)
      return false;
    const offset = stack.offset(low) + this.#reader.immediate;
    const value = stack.offset(low + 1);
    this.#frame.store(offset, value);
    return this.#frame.ends(offset, value);
  }

  #access(at: number, base: number, offset: number): void {
    const reader = this.#reader;
    const { siteOffset } = this.walked;
    const { size } = reader.access;
    if (base === CONSTANT) {
      const address = (offset >>> 0) + reader.immediate;
      if (address >= NULL_END && !this.walked.variables.touchesRedzone(address, address + size)) return;
      const region = new Region();
      region.add(reader, base, address, at, at + siteOffset, null, 0, false);
      this.#endRegion();
      this.#planned.push({ kind: 'bad', group: region.groups[0]! });
      return;
    }
    const from = offset + reader.immediate;
    if (this.#isSafe(base, from, from + size)) return;
    if (isChecked(this.#state.facts, base, from, from + size)) return;
    const held = this.#localWith(base, offset);
    const heldFrom = held === null ? 0 : (this.#setAt[held] ?? 0);
    this.#region.add(reader, base, from, at, at + siteOffset, held, heldFrom, at < this.#loopEnd);
  }

  /** Whether an access can be wrong only in ways that are not found: beside the variables of a frame without redzones, for
   * example. */
  #isSafe(base: number, from: number, to: number): boolean {
    if (this.#values.markOf(base) === Mark.Frame) {
      return !this.#frame.isDescribed || (base === FRAME && !this.#frame.needsCheck(from, to));
    }
    return from >= this.walked.staticStart && from < this.walked.staticEnd;
  }

  /** A local that has this value here; null when none is known. */
  #localWith(base: number, offset: number): number | null {
    const local = this.#holders[base];
    if (local === undefined) return null;
    const { locals } = this.#state;
    return locals[2 * local] === base && locals[2 * local + 1] === offset ? local : null;
  }
}
