// Which values of a function are blocks that an allocation function has returned: the locals, and the value on top of the
// stack, at each instruction. A value counts only when it is a block on every way that leads there.

import { branchTableLabels, Opcode, peekU32 } from '../binary/index.ts';

const EMPTY_BLOCK = 0x40;
const REFERENCE_BRANCHES: readonly number[] = [0xd5, 0xd6];
/** Behind this prefix there are branches of the garbage collection proposal. */
const GC_PREFIX = 0xfb;

/** What is known on one way. */
interface State {
  readonly locals: Set<number>;
  top: boolean;
}

/** A block of code that has not ended yet. */
interface Label {
  readonly isLoop: boolean;
  readonly hasResult: boolean;
  /** What is known where an `if` begins, for the case that it is skipped; null for others. */
  skipped: State | null;
  /** What all branches to the end have in common; null before the first one. */
  arriving: State | null;
}

const copyOf = ({ locals, top }: State): State => ({ locals: new Set(locals), top });

/** What is known on both ways; null stands for a way that nobody goes. */
function common(one: State | null, other: State | null): State | null {
  if (one === null || other === null) return one ?? other;
  const locals = new Set([...one.locals].filter((local) => other.locals.has(local)));
  return { locals, top: one.top && other.top };
}

/** Follows the instructions of one function in their order. */
export class KnownBlocks {
  readonly #labels: Label[] = [];
  /** Null behind an instruction that never goes on. */
  #state: State | null = { locals: new Set(), top: false };

  /** @param allocating the functions that return blocks */
  constructor(
    readonly bytes: Uint8Array,
    readonly allocating: ReadonlySet<number>,
  ) {}

  /** Whether the value on top of the stack is a block. */
  get onTop(): boolean {
    return this.#state?.top ?? false;
  }

  /** Takes the instruction at this offset. */
  step(at: number): void {
    const opcode = this.bytes[at]!;
    switch (opcode) {
      case Opcode.Block:
      case Opcode.Loop:
      case Opcode.If:
        this.#begin(at);
        break;
      case Opcode.Try:
      case Opcode.TryTable:
      case Opcode.Catch:
      case Opcode.CatchAll:
        // What is thrown may come from anywhere before.
        if (opcode === Opcode.Try || opcode === Opcode.TryTable) this.#begin(at);
        this.#forget();
        break;
      case Opcode.Else:
        this.#otherwise();
        break;
      case Opcode.Delegate:
      case Opcode.End:
        this.#end();
        break;
      case Opcode.Br:
      case Opcode.BrIf:
      case Opcode.BrTable:
        this.#branch(opcode, at + 1);
        break;
      case Opcode.Return:
      case Opcode.Unreachable:
        this.#state = null;
        break;
      default:
        if (REFERENCE_BRANCHES.includes(opcode) || opcode === GC_PREFIX) this.#forget();
        else this.#value(opcode, at + 1);
    }
  }

  #value(opcode: number, operand: number): void {
    const state = this.#state;
    if (state === null) return;
    switch (opcode) {
      case Opcode.LocalSet:
      case Opcode.LocalTee: {
        const local = peekU32(this.bytes, operand);
        if (state.top) state.locals.add(local);
        else state.locals.delete(local);
        state.top &&= opcode === Opcode.LocalTee;
        break;
      }
      case Opcode.LocalGet:
        state.top = state.locals.has(peekU32(this.bytes, operand));
        break;
      default:
        state.top = opcode === Opcode.Call && this.allocating.has(peekU32(this.bytes, operand));
    }
  }

  #begin(at: number): void {
    const opcode = this.bytes[at];
    const isLoop = opcode === Opcode.Loop;
    const hasResult = this.bytes[at + 1] !== EMPTY_BLOCK;
    // Nobody knows yet what comes back to the beginning of a loop.
    if (isLoop) this.#state?.locals.clear();
    if (this.#state !== null) this.#state.top = false;
    const skipped = opcode === Opcode.If && this.#state !== null ? copyOf(this.#state) : null;
    this.#labels.push({ isLoop, hasResult, skipped, arriving: null });
  }

  #otherwise(): void {
    const label = this.#labels.at(-1);
    if (label === undefined) return;
    label.arriving = common(label.arriving, this.#state);
    this.#state = label.skipped;
    label.skipped = null;
  }

  #end(): void {
    const label = this.#labels.pop();
    if (label === undefined) return;
    this.#state = common(common(this.#state, label.skipped), label.arriving);
    if (this.#state !== null) this.#state.top &&= label.hasResult;
  }

  #branch(opcode: number, operand: number): void {
    if (opcode === Opcode.BrTable) {
      for (const label of branchTableLabels(this.bytes, operand)) this.#to(label, false);
    } else this.#to(peekU32(this.bytes, operand), opcode === Opcode.Br);
    if (opcode !== Opcode.BrIf) this.#state = null;
    else if (this.#state !== null) this.#state.top = false;
  }

  /** @param withTop what is on top of the stack goes with the branch; otherwise the condition lies there */
  #to(depth: number, withTop: boolean): void {
    const label = this.#labels.at(-1 - depth);
    if (label === undefined || label.isLoop || this.#state === null) return;
    const state = copyOf(this.#state);
    state.top &&= withTop;
    label.arriving = common(label.arriving, state);
  }

  /** Nothing is known from here on, wherever the code goes. */
  #forget(): void {
    const nothing = (): State => ({ locals: new Set(), top: false });
    for (const label of this.#labels) {
      label.arriving = nothing();
      if (label.skipped !== null) label.skipped = nothing();
    }
    this.#state = nothing();
  }
}
