// Follows the values of one function through its code: what it asks an allocator for, what it does with the block, and what
// it returns. Loops are walked until nothing changes.

import {
  branchTableLabels,
  Opcode,
  peekI32,
  peekU32,
  skipInstruction,
  skipLeb,
  type WasmModule,
} from '../binary/index.ts';
import { type Callees, UNKNOWN_SUMMARY } from './callees.ts';
import { State } from './state.ts';
import {
  compared,
  isNull,
  isOnly,
  joined,
  Kind,
  mixed,
  ofKind,
  PARAMETERS,
  parameterBit,
  sum,
  type Value,
} from './value.ts';

/** What a function does. Offsets are those in the block that it allocates for its caller; NaN for unknown ones. */
export interface BodyFacts {
  /** What it returns, by place. */
  readonly returned: readonly Value[];
  /** File offsets of the calls by which it allocates what its parameters ask for. */
  readonly allocations: readonly number[];
  /** The parameters that say how much. */
  readonly sizes: number;
  /** Where it writes into the block. */
  readonly writes: readonly number[];
  /** Which places of the block it keeps the addresses of. */
  readonly keeps: readonly number[];
  /** File offsets of the client requests by which it announces blocks. */
  readonly announcements: readonly number[];
  /** Parameters that it announces as blocks. */
  readonly announces: number;
  /** Parameters through which it writes, or which it keeps. */
  readonly touches: number;
}

/** The number of values that were announced as blocks, by client requests. */
export const ANNOUNCED = 0;

/** The code cannot be followed, or following it takes too long. */
class LostTrack extends Error {}

/** Walks over one function until nothing changes. Values change a few times at most. */
const MOST_ROUNDS = 12;
/** Values that may be copied and compared in one function. */
const MOST_WORK = 2 ** 18;

/** The codes of requests that announce a block, with the argument that has its address: include/heapline.h. */
const ANNOUNCING: ReadonlyMap<number, number> = new Map([
  [0x1301, 1],
  [0x1305, 2],
]);

const SELECT_TYPED = 0x1c;
const FIRST_LOAD = Opcode.I32Load;
const FIRST_STORE = Opcode.I32Store;
const LAST_STORE = 0x3e;
const I32_STORE8 = 0x3a;
const I64_ADD = 0x7c;
const EXTENDS_32: ReadonlySet<number> = new Set([0xac, 0xad]);
const EMPTY = 0x40;
const FIRST_COMPARISON = 0x45;
const LAST_COMPARISON = 0x66;
const MISC = 0xfc;

type Effect = readonly [pops: number, pushes: number];

/** Instructions that have no meaning here, by opcode. A function with others is no wrapper that is looked for. */
const OTHER_EFFECTS: ReadonlyMap<number, Effect> = new Map([
  [0x01, [0, 0]],
  [Opcode.Drop, [1, 0]],
  [Opcode.MemorySize, [0, 1]],
  [Opcode.MemoryGrow, [1, 1]],
  [0x43, [0, 1]],
  [0x44, [0, 1]],
  [0xd0, [0, 1]],
  [0xd1, [1, 1]],
  [Opcode.RefFunc, [0, 1]],
]);
/** The same behind the prefix MISC: conversions, then instructions that fill and copy memory. */
const MISC_EFFECTS: readonly Effect[] = [
  ...Array.from({ length: 8 }, (): Effect => [1, 1]),
  [3, 0],
  [0, 0],
  [3, 0],
  [3, 0],
];

/** Arithmetic with one operand, by the first and the last opcode of each run. */
const UNARY: readonly (readonly [number, number])[] = [
  [0x45, 0x45],
  [0x50, 0x50],
  [0x67, 0x69],
  [0x79, 0x7b],
  [0x8b, 0x91],
  [0x99, 0x9f],
  [0xa7, 0xc4],
];

function isUnary(opcode: number): boolean {
  return UNARY.some(([first, last]) => opcode >= first && opcode <= last);
}

/** Bytes that loads and stores touch, from FIRST_LOAD on. */
const WIDTHS = [4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 4, 8, 4, 8, 1, 2, 1, 2, 4] as const;
/** Loads that give what a store of the same width has written. */
const WHOLE_LOADS: ReadonlySet<number> = new Set([0x28, 0x29]);

interface Label {
  readonly opcode: number;
  readonly place: number;
  readonly height: number;
  readonly parameters: number;
  readonly results: number;
  /** What is true at the branches to its end so far. */
  pending: State | null;
  /** The results that branches bring. */
  values: readonly Value[];
  /** Of an `if`: the state at its beginning, for the other arm. */
  before: State | null;
  readonly wasDead: boolean;
}

export class BodyWalk {
  readonly #module: WasmModule;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #parameters: number;
  readonly #results: number;
  readonly #locals: number;
  readonly #loops = new Map<number, State>();
  #labels: Label[] = [];
  #stack: Value[] = [];
  #state: State;
  #dead = false;
  #changed = false;
  #work = 0;
  #facts = new OpenFacts();

  /** @param stackPointer index of the global that has the stack pointer; -1 when there is none */
  constructor(
    module: WasmModule,
    body: number,
    readonly stackPointer: number,
    readonly callees: Callees,
  ) {
    this.#module = module;
    this.#bytes = module.bytes;
    this.#start = module.heads.code[body]!;
    this.#end = module.bodies[body]!.end;
    const type = module.functionType(module.importedFunctions + body);
    this.#parameters = type.parameters.length;
    this.#results = type.results.length;
    this.#locals = module.heads.locals[body]!;
    this.#state = this.#firstState();
  }

  /** What the function does; null when its code cannot be followed. */
  facts(): BodyFacts | null {
    try {
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        this.#changed = false;
        this.#walk();
        if (!this.#changed) return this.#facts;
      }
      return null;
    } catch (error) {
      if (error instanceof LostTrack) return null;
      throw error;
    }
  }

  #firstState(): State {
    const locals: Value[] = [];
    for (let index = 0; index < this.#locals; index += 1) {
      const isParameter = index < this.#parameters;
      const bits = isParameter ? parameterBit(index) : Kind.Constant;
      locals.push(ofKind(bits, bits === Kind.Other ? -1 - index : 0));
    }
    return new State(locals, ofKind(Kind.Frame, 0));
  }

  #walk(): void {
    this.#facts = new OpenFacts();
    this.#state = this.#firstState();
    this.#stack = [];
    this.#labels = [];
    this.#dead = false;
    this.#pushLabel(Opcode.Block, this.#start, 0, this.#results);
    const bytes = this.#bytes;
    for (let at = this.#start; at < this.#end; ) {
      const next = skipInstruction(bytes, at, this.#end);
      this.#step(at);
      at = next;
    }
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work > MOST_WORK) throw new LostTrack();
  }

  // -- the stack ---------------------------------------------------------------------------------------------------

  #push(value: Value): void {
    this.#stack.push(value);
  }

  #pop(): Value {
    const value = this.#stack.length > this.#labels.at(-1)!.height ? this.#stack.pop() : undefined;
    if (value === undefined) throw new LostTrack();
    return value;
  }

  #popAll(count: number): Value[] {
    const values: Value[] = [];
    for (let left = count; left > 0; left -= 1) values.unshift(this.#pop());
    return values;
  }

  #pushOther(at: number, count = 1): void {
    for (let left = count; left > 0; left -= 1) this.#push(ofKind(Kind.Other, at));
  }

  // -- control flow ------------------------------------------------------------------------------------------------

  #copy(): State {
    this.#spend(this.#state.size);
    return this.#state.copy();
  }

  #join(into: State, other: State, place: number): boolean {
    this.#spend(into.size + other.size);
    return into.join(other, place);
  }

  #pushLabel(opcode: number, place: number, parameters: number, results: number): void {
    const wasDead = this.#dead;
    const height = wasDead ? this.#stack.length : this.#stack.length - parameters;
    if (height < (this.#labels.at(-1)?.height ?? 0)) throw new LostTrack();
    const before = opcode === Opcode.If && !wasDead ? this.#copy() : null;
    this.#labels.push({
      opcode,
      place,
      height,
      parameters,
      results,
      pending: null,
      values: [],
      before,
      wasDead,
    });
  }

  #open(at: number, opcode: number): void {
    const byte = this.#bytes[at + 1]!;
    let [parameters, results] = [0, 0];
    if (byte === 0x63 || byte === 0x64 || (byte !== EMPTY && (byte & 0xc0) === 0x40)) results = 1;
    else if (byte !== EMPTY) {
      const type = this.#module.types[peekU32(this.#bytes, at + 1)];
      if (type === undefined) throw new LostTrack();
      parameters = type.parameters.length;
      results = type.results.length;
    }
    if (opcode === Opcode.If && !this.#dead) this.#pop();
    this.#pushLabel(opcode, at, parameters, results);
    if (opcode !== Opcode.Loop || this.#dead) return;
    // Values that a loop takes from the stack are rare. What they become in later rounds is not followed.
    if (parameters > 0) throw new LostTrack();
    const known = this.#loops.get(at);
    if (known === undefined) this.#loops.set(at, this.#copy());
    else {
      this.#join(known, this.#state, at);
      this.#spend(known.size);
      this.#state = known.copy();
    }
  }

  /** Control may go to the label at this depth. */
  #branch(depth: number): void {
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) throw new LostTrack();
    if (label.opcode === Opcode.Loop) {
      if (this.#join(this.#loops.get(label.place)!, this.#state, label.place)) this.#changed = true;
      return;
    }
    const values = this.#stack.slice(this.#stack.length - label.results);
    if (label === this.#labels[0]) {
      this.#facts.returned.push(...values);
      return;
    }
    if (label.pending === null) {
      label.pending = this.#copy();
      label.values = values;
    } else {
      this.#join(label.pending, this.#state, label.place);
      label.values = label.values.map((mine, index) => joined(mine, values[index]!, -label.place));
    }
  }

  #else(): void {
    const label = this.#labels.at(-1)!;
    if (!this.#dead) this.#branch(0);
    this.#dead = label.wasDead;
    if (this.#dead) return;
    if (label.before === null) throw new LostTrack();
    this.#state = label.before;
    label.before = null;
    // The other arm finds the same parameters, which the first one may have used up.
    if (label.parameters > 0) throw new LostTrack();
    this.#stack.length = label.height;
  }

  #endBlock(): void {
    const label = this.#labels.at(-1)!;
    if (!this.#dead) this.#branchToEnd(label);
    if (label.before !== null) {
      // An `if` without `else`: the state before it is that of the other arm.
      if (label.pending === null) label.pending = label.before;
      else this.#join(label.pending, label.before, label.place);
    }
    this.#labels.pop();
    if (label.wasDead) return;
    this.#dead = label.pending === null;
    this.#stack.length = label.height;
    if (label.pending === null) return;
    this.#state = label.pending;
    for (const value of label.values) this.#push(value);
  }

  #branchToEnd(label: Label): void {
    if (this.#stack.length !== label.height + label.results) throw new LostTrack();
    if (label.opcode !== Opcode.Loop) {
      this.#branch(0);
      return;
    }
    // The end of a loop is no branch to its beginning.
    label.pending = this.#state;
    label.values = this.#stack.slice(label.height);
  }

  #branchTable(at: number): void {
    this.#pop();
    for (const depth of branchTableLabels(this.#bytes, at + 1)) this.#branch(depth);
    this.#dead = true;
  }

  #return(): void {
    this.#branch(this.#labels.length - 1);
    this.#dead = true;
  }

  // -- instructions ------------------------------------------------------------------------------------------------

  #step(at: number): void {
    const opcode = this.#bytes[at]!;
    switch (opcode) {
      case Opcode.Block:
      case Opcode.Loop:
      case Opcode.If:
        this.#open(at, opcode);
        return;
      case Opcode.Else:
        this.#else();
        return;
      case Opcode.End:
        this.#endBlock();
        return;
      case Opcode.Try:
      case Opcode.TryTable:
      case Opcode.Catch:
      case Opcode.CatchAll:
      case Opcode.Delegate:
        // What is true where an exception is caught is not followed.
        throw new LostTrack();
    }
    if (!this.#dead) this.#simple(at, opcode);
  }

  #simple(at: number, opcode: number): void {
    const bytes = this.#bytes;
    switch (opcode) {
      case Opcode.Br:
        this.#branch(peekU32(bytes, at + 1));
        this.#dead = true;
        return;
      case Opcode.BrIf: {
        const condition = this.#pop();
        if (isNull(condition)) return;
        this.#branch(peekU32(bytes, at + 1));
        if (condition.bits === Kind.Constant && condition.at !== 0) this.#dead = !Number.isNaN(condition.at);
        return;
      }
      case Opcode.BrTable:
        this.#branchTable(at);
        return;
      case Opcode.Return:
        this.#return();
        return;
      case Opcode.Unreachable:
      case Opcode.Throw:
      case Opcode.Rethrow:
      case Opcode.ThrowRef:
        this.#dead = true;
        return;
      case Opcode.Call:
      case Opcode.ReturnCall:
      case Opcode.CallIndirect:
      case Opcode.ReturnCallIndirect:
        this.#call(at, opcode);
        return;
      case Opcode.LocalGet:
        this.#push(this.#state.locals[this.#local(at)]!);
        return;
      case Opcode.LocalSet:
        this.#state.locals[this.#local(at)] = this.#pop();
        return;
      case Opcode.LocalTee: {
        const value = this.#pop();
        this.#state.locals[this.#local(at)] = value;
        this.#push(value);
        return;
      }
      case Opcode.GlobalGet:
        if (peekU32(bytes, at + 1) === this.stackPointer) this.#push(this.#state.stackPointer);
        else this.#pushOther(at);
        return;
      case Opcode.GlobalSet: {
        const value = this.#pop();
        if (peekU32(bytes, at + 1) === this.stackPointer) this.#state.stackPointer = value;
        else this.#keep(value);
        return;
      }
      case Opcode.I32Const:
      case Opcode.I64Const:
        this.#push(ofKind(Kind.Constant, peekI32(bytes, at + 1)));
        return;
      case Opcode.Select:
      case SELECT_TYPED: {
        const [a, b] = this.#popAll(3);
        this.#push(joined(a!, b!, at));
        return;
      }
    }
    if (opcode >= FIRST_LOAD && opcode < FIRST_STORE) this.#load(at, opcode);
    else if (opcode >= FIRST_STORE && opcode <= LAST_STORE) this.#store(at, opcode);
    else if (opcode >= FIRST_COMPARISON && opcode <= 0xc4) this.#arithmetic(at, opcode);
    else this.#other(at, opcode);
  }

  #local(at: number): number {
    const index = peekU32(this.#bytes, at + 1);
    if (index >= this.#locals) throw new LostTrack();
    return index;
  }

  #arithmetic(at: number, opcode: number): void {
    const operands = this.#popAll(isUnary(opcode) ? 1 : 2);
    const a = operands[0]!;
    const b = operands[1] ?? a;
    const folded = isOnly(a, Kind.Constant) && isOnly(b, Kind.Constant) ? foldedBy(opcode, a.at, b.at) : null;
    if (folded !== null) this.#push(ofKind(Kind.Constant, folded));
    else if (opcode <= LAST_COMPARISON) this.#push(compared(a, b, at));
    else if (opcode === Opcode.I32Add || opcode === I64_ADD) this.#push(sum(a, b, 1, at));
    else if (opcode === Opcode.I32Sub || opcode === Opcode.I64Sub) this.#push(sum(a, b, -1, at));
    else if (opcode === Opcode.I32WrapI64 || EXTENDS_32.has(opcode)) this.#push(a);
    else this.#push(mixed(a, b, at));
  }

  /** The address of a load or store, with what the instruction adds. */
  #address(at: number, base: Value): Value {
    const flags = peekU32(this.#bytes, at + 1);
    if ((flags & 0x40) !== 0) throw new LostTrack();
    const offset = peekU32(this.#bytes, skipLeb(this.#bytes, at + 1));
    return sum(base, ofKind(Kind.Constant, offset), 1, at);
  }

  #load(at: number, opcode: number): void {
    const address = this.#address(at, this.#pop());
    const width = WIDTHS[opcode - FIRST_LOAD]!;
    if (address.bits !== Kind.Frame || Number.isNaN(address.at)) {
      this.#pushOther(at);
      return;
    }
    const value = this.#state.load(address.at, width, at);
    this.#push(WHOLE_LOADS.has(opcode) ? value : mixed(value, value, at));
  }

  #store(at: number, opcode: number): void {
    const value = this.#pop();
    const address = this.#address(at, this.#pop());
    const width = WIDTHS[opcode - FIRST_LOAD]!;
    if (address.bits === Kind.Frame && !Number.isNaN(address.at)) {
      this.#state.store(address.at, width, value);
      return;
    }
    if ((address.bits & Kind.Frame) !== 0) this.#state.expose(Number.NaN);
    // The end of a string is part of making room for it.
    if (!(opcode === I32_STORE8 && isNull(value))) this.#write(address);
    this.#keep(value);
  }

  /** Something is written at this address. */
  #write(address: Value): void {
    const { bits } = address;
    this.#facts.touches |= bits & PARAMETERS;
    if ((bits & Kind.Block) !== 0) this.#facts.writes.push(blockOffset(address));
  }

  /** Something keeps this value. */
  #keep(value: Value): void {
    const { bits } = value;
    this.#facts.touches |= bits & PARAMETERS;
    if ((bits & Kind.Block) !== 0) this.#facts.keeps.push(blockOffset(value));
    if ((bits & Kind.Frame) !== 0) this.#state.expose(frameOffset(value));
  }

  #other(at: number, opcode: number): void {
    const code = opcode === MISC ? peekU32(this.#bytes, at + 1) : -1;
    const effect = opcode === MISC ? MISC_EFFECTS[code] : OTHER_EFFECTS.get(opcode);
    if (effect === undefined) throw new LostTrack();
    const [pops, pushes] = effect;
    const operands = this.#popAll(pops);
    // What fills memory and copies does what memset and memcpy do.
    if (opcode === MISC && pushes === 0) for (const value of operands) this.#expose(value);
    this.#pushOther(at, pushes);
  }

  #expose(value: Value): void {
    if ((value.bits & Kind.Frame) !== 0) this.#state.expose(frameOffset(value));
  }

  // -- calls -------------------------------------------------------------------------------------------------------

  #call(at: number, opcode: number): void {
    const target = peekU32(this.#bytes, at + 1);
    const direct = opcode === Opcode.Call || opcode === Opcode.ReturnCall;
    const type = direct ? this.#module.functionType(target) : this.#module.types[target];
    if (type === undefined) throw new LostTrack();
    if (!direct) this.#pop();
    const given = this.#popAll(type.parameters.length);
    const result = this.#resultOf(at, direct ? target : -1, target, given);
    if (type.results.length === 1) this.#push(result);
    else this.#pushOther(at, type.results.length);
    if (opcode === Opcode.ReturnCall || opcode === Opcode.ReturnCallIndirect) this.#return();
  }

  /** @param callee index of the function; -1 for a call through a table, of a function of this type */
  #resultOf(at: number, callee: number, type: number, given: readonly Value[]): Value {
    const { callees } = this;
    const isKnown = callee >= 0;
    if (isKnown && callees.answersRequests(callee)) return this.#request(at, given);
    // Whoever is given no parameter is not told how much the caller wants.
    const isTold = given.some(({ bits }) => (bits & PARAMETERS) !== 0);
    const sizes = !isTold ? 0 : isKnown ? callees.sizesOf(callee) : callees.sizesOfType(type);
    const asked = sizes === 0 ? 0 : this.#allocation(at, sizes, given);
    // What a table has may also round a size, or measure a block.
    if (asked !== 0) return ofKind(isKnown ? Kind.Block : Kind.Block | asked, 0);
    if (isKnown && callees.fills(callee)) {
      for (const value of given) this.#expose(value);
      return given[0] ?? ofKind(Kind.Other, at);
    }
    if (isKnown && callees.frees(callee)) return ofKind(Kind.Other, at);
    return this.#ordinary(at, callee, given);
  }

  /**
   * A call of an allocator. Returns the parameters that say how much, as bits; 0 when they do not say it, so that the
   * function allocates for itself.
   */
  #allocation(at: number, sizes: number, given: readonly Value[]): number {
    let bits = 0;
    given.forEach((value, index) => {
      if ((sizes & (1 << index)) !== 0) bits |= value.bits;
    });
    for (const value of given) this.#expose(value);
    const asked = bits & PARAMETERS;
    if (asked === 0 || (bits & (Kind.Other | Kind.Frame)) !== 0) return 0;
    this.#facts.allocations.push(at);
    this.#facts.sizes |= asked;
    return asked;
  }

  #ordinary(at: number, callee: number, given: readonly Value[]): Value {
    const other = ofKind(Kind.Other, at);
    const isOfInterest = given.some(({ bits }) => (bits & (PARAMETERS | Kind.Block | Kind.Frame)) !== 0);
    const mayAnnounce = given.some(({ bits }) => (bits & Kind.Other) !== 0);
    if (!isOfInterest && !mayAnnounce) return other;
    // What a table has is not known. It hardly ever writes into a block that was just allocated, but often keeps others.
    const summary = callee < 0 ? UNKNOWN_SUMMARY : this.callees.summaryOf(callee);
    given.forEach((value, index) => {
      const bit = parameterBit(index);
      if ((summary.announces & bit) !== 0) this.#announce(at, value);
      this.#expose(value);
      if ((summary.touches & bit) === 0) return;
      this.#facts.touches |= value.bits & PARAMETERS;
      if ((value.bits & Kind.Block) !== 0 && callee >= 0) this.#facts.writes.push(blockOffset(value));
    });
    const { result, passesOn } = summary;
    if (result === null) return other;
    const sources = given.filter((_, index) => (result & parameterBit(index)) !== 0);
    const [first, ...rest] = sources;
    if (first === undefined) return ofKind(Kind.Constant, Number.NaN);
    const whole = rest.reduce((sofar, value) => joined(sofar, value, at), first);
    return passesOn ? whole : mixed(whole, whole, at);
  }

  #request(at: number, given: readonly Value[]): Value {
    const [code] = given;
    if (code !== undefined && isOnly(code, Kind.Constant)) {
      const place = ANNOUNCING.get(code.at);
      const address = place === undefined ? undefined : given[place];
      if (address !== undefined) this.#announce(at, address);
    }
    return ofKind(Kind.Other, at);
  }

  /** From here on, what is at this address is a block. */
  #announce(at: number, address: Value): void {
    this.#facts.announcements.push(at);
    const { bits } = address;
    if (isOnly(address, PARAMETERS) && address.at === 0) this.#facts.announces |= bits;
    if (bits !== Kind.Other || Number.isNaN(address.at)) return;
    const announced = ofKind(Kind.Other, ANNOUNCED);
    this.#state.replace(address.at, announced);
    this.#stack = this.#stack.map((value) =>
      value.bits === Kind.Other && value.at === address.at ? announced : value,
    );
  }
}

class OpenFacts implements BodyFacts {
  readonly returned: Value[] = [];
  readonly allocations: number[] = [];
  readonly writes: number[] = [];
  readonly keeps: number[] = [];
  readonly announcements: number[] = [];
  sizes = 0;
  touches = 0;
  announces = 0;
}

/**
 * The answer to a question about constants, which decides whether the runtime is there to hear a request; null for other
 * questions.
 */
function foldedBy(opcode: number, a: number, b: number): number | null {
  if (Number.isNaN(a) || Number.isNaN(b)) return null;
  switch (opcode) {
    case Opcode.I32Eqz:
      return Number(a === 0);
    case Opcode.I32Eq:
      return Number(a === b);
    case Opcode.I32Ne:
      return Number(a !== b);
    case Opcode.I32And:
      return a & b;
    default:
      return null;
  }
}

function blockOffset({ bits, at }: Value): number {
  return (bits & Kind.Other) === 0 ? at : Number.NaN;
}

function frameOffset({ bits, at }: Value): number {
  return bits === Kind.Frame ? at : Number.NaN;
}
