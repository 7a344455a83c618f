// Follows the result of a call through the code of the function that makes it: into which variables, fields and parameters
// it goes, and whether the function returns it. The types of those say what the result points to. The walk goes through the
// code once, in its order. Where ways join, it keeps what is true on one of them, so loops are seen in their first round.

import { popsOf, pushesOf, UNKNOWN } from '../access/stack-effects.ts';
import { unitDone } from '../algorithms/watched-work.ts';
import {
  branchTableLabels,
  Opcode,
  peekI32,
  peekU32,
  skipInstruction,
  skipLeb,
  type WasmModule,
} from '../binary/index.ts';
import type {
  CodeRange,
  CType,
  FunctionVariables,
  InlinedFunction,
  ModuleTypes,
  PlacedVariable,
} from '../c-types/index.ts';
import {
  arrayOf,
  comparisonOf,
  conditionOf,
  constantOf,
  FOLLOWED,
  FRAME,
  joinOf,
  pointedAt,
  pointedAtStatic,
  pointerTo,
  sumOf,
  UNKNOWN_VALUE,
  type Value,
  withTarget,
} from './values.ts';

/** A value of a type that lies at a distance from the start of a block. */
export interface Pointed {
  readonly type: CType;
  readonly shift: number;
}

/** Where the result of a call goes. */
export interface ResultUses {
  /** What the variables, fields and parameters point to that it goes to, in the order of the code. */
  readonly targets: readonly Pointed[];
  /** What the results of functions point to that return it: those that were inlined, the innermost first, and the last. */
  readonly results: readonly Pointed[];
  /** How far behind it the address is that the function returns; null when it returns something else. */
  readonly returned: number | null;
}

export const NO_USES: ResultUses = { targets: [], results: [], returned: null };

/** Locals, and the memory of the frame by the distance from its base. */
interface State {
  readonly locals: Value[];
  readonly slots: Map<number, Value>;
}

interface Label {
  opcode: number;
  readonly height: number;
  readonly results: number;
  /** What is known at the branches to the end so far. */
  pending: State | null;
  /** Of an `if`: what is known before it. */
  readonly before: State | null;
  readonly wasDead: boolean;
}

/** The stack cannot be followed, or following it takes too long. */
class LostTrack extends Error {}

/** Values that may be copied in the walk through one function. */
const MOST_COPIES = 2 ** 22;
/** Most locals of a function that is walked through. */
const MOST_LOCALS = 50_000;
const EMPTY = 0x40;

/**
 * The walk that follows the result of the call at a code offset; null when there is no such code.
 * @param most bytes of the longest function that is walked through
 */
export function walkFrom(site: number, types: ModuleTypes, most: number): ResultWalk | null {
  const { module } = types;
  const position = site + module.codeStart;
  unitDone();
  const body = module.bodies.findIndex(({ start, end }) => position >= start && position < end);
  const range = module.bodies[body];
  if (range === undefined || range.end - range.start > most) return null;
  if (module.heads.locals[body]! > MOST_LOCALS) return null;
  return new ResultWalk(types, body, position, types.variablesOf(body));
}

export class ResultWalk {
  readonly #module: WasmModule;
  readonly #bytes: Uint8Array;
  readonly #stack: Value[] = [];
  readonly #labels: Label[] = [];
  readonly #targets: Pointed[] = [];
  readonly #variables: readonly PlacedVariable[];
  /** The first variable whose code the walk has not reached. */
  #next = 0;
  /** Variables in whose code the walk is. */
  #active: PlacedVariable[] = [];
  /** Functions that were inlined around the call, the innermost first, and with which shift the result has left them. */
  readonly #around: { readonly inlined: InlinedFunction; left: number | null }[];
  /** Code offset at which each local was set last, and each operand was pushed. */
  readonly #setAt: number[] = [];
  readonly #pushedAt: number[] = [];
  /** Code offset of the instruction that the walk is at. */
  #at = 0;
  #state: State;
  #dead = false;
  #returned: number | null = null;
  #seen = false;
  #copies = 0;

  constructor(
    readonly types: ModuleTypes,
    readonly body: number,
    readonly call: number,
    readonly known: FunctionVariables | null,
  ) {
    this.#module = types.module;
    this.#bytes = types.module.bytes;
    this.#variables = known?.variables ?? [];
    const site = this.#offset(call);
    this.#around = (known?.inlined ?? [])
      .filter(({ ranges }) => isIn(ranges, site))
      .reverse()
      .map((inlined) => ({ inlined, left: null }));
    const locals: Value[] = new Array(types.module.heads.locals[body]!).fill(UNKNOWN_VALUE);
    this.#state = { locals, slots: new Map() };
    const type = this.#module.functionType(this.#module.importedFunctions + body);
    this.#labels.push({
      opcode: Opcode.Block,
      height: 0,
      results: type.results.length,
      pending: null,
      before: null,
      wasDead: false,
    });
  }

  /** Bytes of the code. */
  get length(): number {
    const { start, end } = this.#module.bodies[this.body]!;
    return end - start;
  }

  /** Walks through the code. */
  uses(): ResultUses {
    try {
      return this.#walk();
    } catch (error) {
      if (error instanceof LostTrack) return NO_USES;
      throw error;
    }
  }

  #walk(): ResultUses {
    const { end } = this.#module.bodies[this.body]!;
    for (let at = this.#module.heads.code[this.body]!; at < end; ) {
      const next = skipInstruction(this.#bytes, at, end);
      this.#at = this.#offset(at);
      this.#enter(this.#at);
      this.#step(at, next);
      if (this.#seen) this.#lookAtVariables(this.#offset(next));
      at = next;
    }
    const results = this.#around.map(({ inlined, left }) => pointedBy(inlined.result, left));
    results.push(pointedBy(this.known?.result ?? null, this.#returned));
    return {
      targets: this.#targets,
      results: results.filter((each) => each !== null),
      returned: this.#returned,
    };
  }

  #offset(position: number): number {
    return position - this.#module.codeStart;
  }

  // -- variables -----------------------------------------------------------------------------------------------------

  /** Moves on to the variables that have a place at this code offset. */
  #enter(offset: number): void {
    const variables = this.#variables;
    let changed = false;
    while (this.#next < variables.length && variables[this.#next]!.low <= offset) {
      this.#active.push(variables[this.#next++]!);
      changed = true;
    }
    if (changed || this.#active.some(({ high }) => high <= offset)) {
      this.#active = this.#active.filter(({ high }) => high > offset);
    }
  }

  /** Finds variables that have the result, now that an instruction is over. */
  #lookAtVariables(offset: number): void {
    this.#enter(offset);
    for (const { kind, value, type, low } of this.#active) {
      if (type.kind !== 'pointer') continue;
      if (kind === 'local' && this.#isFresh(value, low))
        this.#foundIn(this.#state.locals[value], type.target);
      else if (kind === 'operand' && (this.#pushedAt[value] ?? 0) < low) {
        this.#foundIn(this.#stack[value], type.target);
      }
    }
  }

  /**
   * Whether the local still has the value that it had where a variable came to be there. Compilers do not end the place of
   * a variable that is used no more when they set the local to something else.
   */
  #isFresh(local: number, low: number): boolean {
    return (this.#setAt[local] ?? -1) < low;
  }

  #foundIn(held: Value | undefined, type: CType): void {
    if (held?.followed) this.#found(held, type);
  }

  #found({ shift }: Value, type: CType | null): void {
    if (type === null || this.#targets.some((each) => each.type === type && each.shift === shift)) return;
    this.#targets.push({ type, shift });
  }

  /** The value of a local, with what the variable that is there points to. */
  #local(index: number): Value {
    if (index === this.known?.frameLocal) return FRAME;
    const value = this.#state.locals[index] ?? UNKNOWN_VALUE;
    if (value.target !== null || value.followed) return value;
    const variable = this.#active.find(
      (each) => each.kind === 'local' && each.value === index && this.#isFresh(index, each.low),
    );
    return withTarget(value, variable?.type.kind === 'pointer' ? variable.type.target : null);
  }

  /** What the pointer at this distance from the frame base points to. */
  #pointedAtFrame(offset: number): CType | null {
    for (const { kind, value, type } of this.#active) {
      if (kind !== 'frame' || value > offset) continue;
      const target = pointedAt(type, offset - value);
      if (target !== null) return target;
    }
    return null;
  }

  /** What the pointer in memory at this address points to. */
  #pointedAtAddress(address: Value, added: number): CType | null {
    const offset = address.offset + added;
    if (address.framed) return this.#pointedAtFrame(offset);
    if (address.constant) return pointedAtStatic(offset >>> 0, this.types);
    return address.target === null ? null : pointedAt(arrayOf(address.target), offset);
  }

  // -- the stack -----------------------------------------------------------------------------------------------------

  #push(value: Value): void {
    this.#pushedAt[this.#stack.length] = this.#at;
    this.#stack.push(value);
  }

  #pop(): Value {
    if (this.#stack.length <= this.#labels[this.#labels.length - 1]!.height) throw new LostTrack();
    return this.#stack.pop()!;
  }

  #drop(count: number): void {
    for (let left = count; left > 0; left--) this.#pop();
  }

  #pushUnknown(count: number): void {
    for (let left = count; left > 0; left--) this.#push(UNKNOWN_VALUE);
  }

  // -- control flow --------------------------------------------------------------------------------------------------

  #copy({ locals, slots }: State): State {
    this.#copies += locals.length + slots.size + 1;
    if (this.#copies > MOST_COPIES) throw new LostTrack();
    return { locals: locals.slice(), slots: new Map(slots) };
  }

  #join(into: State, from: State): void {
    this.#copies += from.locals.length + from.slots.size + 1;
    if (this.#copies > MOST_COPIES) throw new LostTrack();
    from.locals.forEach((value, index) => {
      into.locals[index] = joinOf(into.locals[index]!, value);
    });
    for (const [slot, value] of into.slots) {
      into.slots.set(slot, joinOf(value, from.slots.get(slot) ?? UNKNOWN_VALUE));
    }
    for (const [slot, value] of from.slots) {
      if (!into.slots.has(slot)) into.slots.set(slot, joinOf(UNKNOWN_VALUE, value));
    }
  }

  /** @param forget whether the result is NULL on this way */
  #branch(depth: number, forget = false): void {
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) throw new LostTrack();
    if (label.opcode === Opcode.Loop) return;
    if (this.#labels.length - 1 === depth) this.#return();
    const state = forget ? forgotten(this.#copy(this.#state)) : this.#state;
    if (label.pending === null) label.pending = this.#copy(state);
    else this.#join(label.pending, state);
  }

  /** On the way on, the result is NULL. */
  #forget(): void {
    forgotten(this.#state);
    this.#stack.forEach((value, index) => {
      if (value.followed) this.#stack[index] = UNKNOWN_VALUE;
    });
  }

  #return(): void {
    if (this.#labels[0]!.results === 1) this.#returns(this.#stack[this.#stack.length - 1]);
  }

  #returns(value: Value | undefined): void {
    if (value?.followed) this.#returned ??= value.shift;
  }

  #open(opcode: number, parameters: number, results: number): void {
    const dead = this.#dead;
    const test = !dead && opcode === Opcode.If ? conditionOf(this.#pop(), false).test : null;
    const height = dead ? this.#stack.length : this.#stack.length - parameters;
    const before = !dead && opcode === Opcode.If ? this.#copy(this.#state) : null;
    if (before !== null && test === 'not null') forgotten(before);
    if (test === 'null') this.#forget();
    this.#labels.push({ opcode, height, results, pending: null, before, wasDead: dead });
  }

  #openBlock(at: number, opcode: number): void {
    const byte = this.#bytes[at + 1]!;
    if (byte === EMPTY) this.#open(opcode, 0, 0);
    else if (byte >= 0x63) this.#open(opcode, 0, 1);
    else {
      const type = this.#module.types[peekU32(this.#bytes, at + 1)];
      if (type === undefined) throw new LostTrack();
      this.#open(opcode, type.parameters.length, type.results.length);
    }
  }

  /** The other arm of an `if`, or what catches exceptions, which may come from anywhere. */
  #else(label: Label, state: State | null): void {
    if (!this.#dead) {
      if (label.pending === null) label.pending = this.#copy(this.#state);
      else this.#join(label.pending, this.#state);
    }
    this.#stack.length = label.height;
    this.#dead = label.wasDead;
    if (state !== null) this.#state = this.#copy(state);
  }

  #end(): void {
    const label = this.#labels.pop();
    if (label === undefined) throw new LostTrack();
    const top = this.#dead ? UNKNOWN_VALUE : (this.#stack[this.#stack.length - 1] ?? UNKNOWN_VALUE);
    if (this.#labels.length === 0) {
      if (!this.#dead && label.results === 1) this.#returns(top);
      return;
    }
    // An `if` without another arm is also left as it was entered.
    const other = label.opcode === Opcode.If ? label.before : null;
    const ways = [this.#dead ? null : this.#state, label.pending, other].filter((each) => each !== null);
    const [first, ...rest] = ways;
    this.#dead = first === undefined || label.wasDead;
    if (first !== undefined) {
      this.#state = first;
      for (const each of rest) this.#join(this.#state, each);
    }
    this.#stack.length = Math.min(this.#stack.length, label.height);
    while (this.#stack.length < label.height) this.#push(UNKNOWN_VALUE);
    if (label.results === 1) this.#push(top);
    else this.#pushUnknown(label.results);
  }

  // -- instructions --------------------------------------------------------------------------------------------------

  #step(at: number, next: number): void {
    const opcode = this.#bytes[at]!;
    switch (opcode) {
      case Opcode.Block:
      case Opcode.Loop:
      case Opcode.If:
      case Opcode.Try:
      case Opcode.TryTable:
        this.#openBlock(at, opcode);
        return;
      case Opcode.Else: {
        const label = this.#labels[this.#labels.length - 1]!;
        label.opcode = Opcode.Else;
        this.#else(label, label.before);
        return;
      }
      case Opcode.Catch:
      case Opcode.CatchAll: {
        this.#else(this.#labels[this.#labels.length - 1]!, null);
        if (opcode === Opcode.Catch && !this.#dead) {
          const type = this.#module.types[this.#module.tags[peekU32(this.#bytes, at + 1)]!];
          this.#pushUnknown(type?.parameters.length ?? 0);
        }
        return;
      }
      case Opcode.End:
      case Opcode.Delegate:
        this.#end();
        return;
      default:
        if (!this.#dead) this.#live(at, opcode, next);
    }
  }

  #live(at: number, opcode: number, next: number): void {
    const bytes = this.#bytes;
    const index = (): number => peekU32(bytes, at + 1);
    switch (opcode) {
      case Opcode.Unreachable:
      case Opcode.Throw:
      case Opcode.Rethrow:
      case Opcode.ThrowRef:
        this.#dead = true;
        return;
      case Opcode.Return:
        this.#useTop(at, 1);
        this.#return();
        this.#dead = true;
        return;
      case Opcode.Br:
        this.#branch(index());
        this.#dead = true;
        return;
      case Opcode.BrIf: {
        const { test } = conditionOf(this.#pop(), false);
        this.#branch(index(), test === 'null');
        if (test === 'not null') this.#forget();
        return;
      }
      case Opcode.BrTable:
        this.#pop();
        this.#branchTable(at + 1);
        this.#dead = true;
        return;
      case Opcode.Call:
        this.#callFunction(at, index());
        return;
      case Opcode.CallIndirect:
        this.#pop();
        this.#callOfType(at, this.#module.types[index()], null);
        return;
      case Opcode.ReturnCall:
      case Opcode.ReturnCallIndirect:
      case Opcode.ReturnCallRef:
        if (at === this.call) this.#returned ??= 0;
        this.#dead = true;
        return;
      case Opcode.LocalGet: {
        const value = this.#local(index());
        if (value.followed) this.#usedAt(at, value);
        this.#push(value);
        return;
      }
      case Opcode.LocalSet:
        this.#set(index(), this.#pop());
        return;
      case Opcode.LocalTee: {
        const value = this.#pop();
        this.#set(index(), value);
        this.#push(value);
        return;
      }
      case Opcode.I32Const:
        this.#push(constantOf(peekI32(bytes, at + 1)));
        return;
      case Opcode.I32Add: {
        const right = this.#pop();
        this.#push(sumOf(this.#pop(), right));
        return;
      }
      case Opcode.I32Eqz:
        this.#push(conditionOf(this.#pop(), true));
        return;
      case Opcode.I32Eq:
      case Opcode.I32Ne: {
        const right = this.#pop();
        this.#push(comparisonOf(this.#pop(), right, opcode === Opcode.I32Eq));
        return;
      }
      case Opcode.I32And: {
        const right = this.#pop();
        const left = this.#pop();
        // Code that is not optimised makes 0 or 1 of conditions.
        this.#push(right.constant && right.offset === 1 && left.test !== null ? left : UNKNOWN_VALUE);
        return;
      }
      case Opcode.Select: {
        this.#pop();
        const right = this.#pop();
        this.#push(joinOf(this.#pop(), right));
        return;
      }
      case Opcode.I32Load:
        this.#load(offsetAt(bytes, at + 1));
        return;
      case Opcode.I32Store:
        this.#useTop(at, 1);
        this.#store(offsetAt(bytes, at + 1));
        return;
      default:
        this.#other(at, opcode, next);
    }
  }

  #set(local: number, value: Value): void {
    this.#state.locals[local] = value;
    this.#setAt[local] = this.#at;
  }

  /** An instruction whose results are not known, whatever it is given. */
  #other(at: number, opcode: number, next: number): void {
    const isPrefix = opcode >= 0xfb && opcode <= 0xfe;
    const prefix = isPrefix ? opcode : 0;
    const code = isPrefix ? peekU32(this.#bytes, at + 1) : opcode;
    const pops = popsOf(prefix, code);
    if (pops === UNKNOWN || next <= at) throw new LostTrack();
    this.#drop(pops);
    this.#pushUnknown(pushesOf(prefix, code));
  }

  #branchTable(at: number): void {
    for (const depth of branchTableLabels(this.#bytes, at)) this.#branch(depth);
  }

  #callFunction(at: number, callee: number): void {
    const type = this.#module.functions[callee] === undefined ? undefined : this.#module.functionType(callee);
    this.#callOfType(at, type, callee);
  }

  #callOfType(
    at: number,
    type: { readonly parameters: readonly unknown[]; readonly results: readonly unknown[] } | undefined,
    callee: number | null,
  ): void {
    if (type === undefined) throw new LostTrack();
    const count = type.parameters.length;
    this.#useTop(at, count);
    const given: Value[] = [];
    for (let i = 0; i < count; i++) given.unshift(this.#pop());
    if (callee !== null && given.some(({ followed }) => followed)) this.#passed(given, callee);
    if (at === this.call) {
      if (type.results.length !== 1) throw new LostTrack();
      this.#seen = true;
      this.#push(FOLLOWED);
    } else if (type.results.length === 1) {
      const result = callee === null ? null : this.types.resultOf(callee);
      this.#push(result?.kind === 'pointer' ? pointerTo(result.target) : UNKNOWN_VALUE);
    } else this.#pushUnknown(type.results.length);
  }

  /** The result is passed to a function. */
  #passed(given: readonly Value[], callee: number): void {
    const parameters = this.types.signatureOf(callee)?.parameters ?? [];
    given.forEach((value, index) => {
      const type = parameters[index]?.type;
      if (value.followed && type?.kind === 'pointer') this.#found(value, type.target);
    });
  }

  #load(added: number): void {
    const address = this.#pop();
    const held = address.framed ? this.#state.slots.get(address.offset + added) : undefined;
    this.#push(withTarget(held ?? UNKNOWN_VALUE, this.#pointedAtAddress(address, added)));
  }

  #store(added: number): void {
    const value = this.#pop();
    const address = this.#pop();
    if (address.framed) this.#state.slots.set(address.offset + added, value);
    if (value.followed && !address.followed) this.#found(value, this.#pointedAtAddress(address, added));
  }

  // -- inlined functions ---------------------------------------------------------------------------------------------

  /** An instruction takes the result from the stack. */
  #useTop(at: number, count: number): void {
    if (!this.#seen || this.#around.length === 0) return;
    const used = this.#stack.slice(-count).find(({ followed }) => followed);
    if (used !== undefined) this.#usedAt(at, used);
  }

  /** A function that was inlined has given the result back if code behind it uses the result. */
  #usedAt(at: number, { shift }: Value): void {
    const offset = this.#offset(at);
    for (const each of this.#around) if (!isIn(each.inlined.ranges, offset)) each.left ??= shift;
  }
}

/** Leaves nothing in the state that is the result. */
function forgotten(state: State): State {
  state.locals.forEach((value, index) => {
    if (value.followed) state.locals[index] = UNKNOWN_VALUE;
  });
  for (const [slot, value] of state.slots) if (value.followed) state.slots.set(slot, UNKNOWN_VALUE);
  return state;
}

/** What the result of a function points to that returns the address at this shift. */
function pointedBy(result: CType | null, shift: number | null): Pointed | null {
  return result?.kind === 'pointer' && shift !== null ? { type: result.target, shift } : null;
}

function isIn(ranges: readonly CodeRange[], offset: number): boolean {
  return ranges.some(({ low, high }) => offset >= low && offset < high);
}

/** The offset of a memory instruction, behind its alignment and perhaps the index of its memory. */
function offsetAt(bytes: Uint8Array, at: number): number {
  const flags = peekU32(bytes, at);
  const behind = skipLeb(bytes, at);
  return peekU32(bytes, (flags & 0x40) === 0 ? behind : skipLeb(bytes, behind));
}
