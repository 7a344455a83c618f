// Inserts what was planned for one function. A check takes an address from a local that has it. Where none has, the address
// gets a local of its own, and the operands that lie above it wait in locals while the check runs.

import { Opcode, peekU32, skipLeb } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { type CheckedPart, type CheckFunctions, writeCall, writeCheck } from './check-code.ts';
import { writeOpening } from './leaving.ts';
import { type Group, windowOf } from './region.ts';
import type { Planned } from './walk.ts';

const I32 = 0x7f;
/** Operands of an instruction that touches ranges, above the address. */
const RANGE_OPERANDS: readonly number[] = [I32, I32];

/** What is the same for all functions of a module. */
export interface EmittedModule {
  readonly rewriter: Rewriter;
  readonly functions: CheckFunctions;
  readonly siteOffset: number;
  /** Functions to call in place of others. They take the site as one more parameter. */
  readonly replaced: ReadonlyMap<number, number>;
  /** Index of the function that opens frames before they are left; null when there is nothing to open. */
  readonly opener: number | null;
}

/** The locals that hold operands while a check runs, added to the function when they are first needed. */
class Spares {
  readonly #byType = new Map<number, number[]>();

  constructor(
    readonly rewriter: Rewriter,
    readonly body: number,
  ) {}

  /** The local number `index` of this type. */
  of(type: number, index: number): number {
    const locals = this.#byType.get(type) ?? [];
    this.#byType.set(type, locals);
    while (locals.length <= index) locals.push(this.rewriter.addLocal(this.body, type));
    return locals[index]!;
  }

  /** Locals for operands, beside the one for an address. */
  forOperands(types: readonly number[]): readonly number[] {
    if (types.length === 0) return types;
    return types.map((type, place) => {
      const before = types.slice(0, place).filter((each) => each === type).length;
      return this.of(type, type === I32 ? before + 1 : before);
    });
  }
}

function partOf(group: Group, local: number): CheckedPart {
  return { local, window: windowOf(group), accesses: group.accesses };
}

/** @param local has the address of the group's first access */
function partsOf(group: Group, local: number): CheckedPart[] {
  const parts = [partOf(group, local)];
  for (const each of group.joined) parts.push(partOf(each, each.held!));
  return parts;
}

/** Inserts the checks of one function. */
export class Emitter {
  readonly #spares: Spares;

  constructor(
    readonly emitted: EmittedModule,
    body: number,
  ) {
    this.#spares = new Spares(emitted.rewriter, body);
  }

  emit(planned: Planned): void {
    switch (planned.kind) {
      case 'check':
        this.#check(planned.group);
        break;
      case 'bad':
        this.#bad(planned.group);
        break;
      case 'range':
        this.#range(planned.position, planned.reads);
        break;
      case 'call':
        this.#call(planned.position);
        break;
      case 'leave':
        this.emitted.rewriter.code.begin(planned.position);
        writeOpening(this.emitted.rewriter.code.code, this.emitted.opener!);
    }
  }

  /** Begins an insertion, and moves an address and the operands above it into locals. Returns the address's local. */
  #spill(position: number, operands: readonly number[]): number {
    const edits = this.emitted.rewriter.code;
    const address = this.#spares.of(I32, 0);
    edits.begin(position);
    for (let at = operands.length - 1; at >= 0; at -= 1) edits.code.indexed(Opcode.LocalSet, operands[at]!);
    edits.code.indexed(Opcode.LocalTee, address);
    return address;
  }

  /** Puts operands back above the address, which has stayed where it was. */
  #restore(operands: readonly number[]): void {
    const { code } = this.emitted.rewriter.code;
    for (const local of operands) code.indexed(Opcode.LocalGet, local);
  }

  #check(group: Group): void {
    const { rewriter, functions } = this.emitted;
    if (group.held !== null) {
      rewriter.code.begin(group.position);
      writeCheck(rewriter.code, partsOf(group, group.held), functions);
      return;
    }
    const operands = this.#spares.forOperands(group.above);
    const address = this.#spill(group.position, operands);
    writeCheck(rewriter.code, partsOf(group, address), functions);
    this.#restore(operands);
  }

  #bad(group: Group): void {
    const { rewriter, functions } = this.emitted;
    const operands = this.#spares.forOperands(group.above);
    const address = this.#spill(group.position, operands);
    writeCall(rewriter.code, address, group.accesses[0]!, functions);
    this.#restore(operands);
  }

  #range(position: number, reads: boolean): void {
    const operands = this.#spares.forOperands(RANGE_OPERANDS);
    const address = this.#spill(position, operands);
    const [source, length] = operands;
    if (reads) this.#judgeRange(position, source!, length!, false);
    this.#judgeRange(position, address, length!, true);
    this.#restore(operands);
  }

  #judgeRange(position: number, address: number, length: number, writes: boolean): void {
    const { rewriter, functions, siteOffset } = this.emitted;
    const { code } = rewriter.code;
    code.indexed(Opcode.LocalGet, address);
    code.indexed(Opcode.LocalGet, length);
    code.i32(writes ? 1 : 0);
    code.i32(position + siteOffset);
    code.indexed(Opcode.Call, functions.range);
  }

  #call(position: number): void {
    const { rewriter, siteOffset, replaced } = this.emitted;
    const { bytes } = rewriter.module;
    const end = skipLeb(bytes, position + 1);
    const edits = rewriter.code;
    edits.begin(position);
    edits.code.i32(position + siteOffset);
    edits.begin(position, end - position);
    edits.code.indexed(Opcode.Call, replaced.get(peekU32(bytes, position + 1))!);
  }
}
