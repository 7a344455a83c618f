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
    return types.map((type, place) => {
      const before = types.slice(0, place).filter((each) => each === type).length;
      return this.of(type, type === I32 ? before + 1 : before);
    });
  }
}

function partOf(group: Group, local: number): CheckedPart {
  return { local, window: windowOf(group), accesses: group.accesses };
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

  /** Begins an insertion; while `write` runs, the address below these operands is in a local. */
  #spill(
    position: number,
    above: readonly number[],
    write: (address: number, operands: readonly number[]) => void,
  ): void {
    const edits = this.emitted.rewriter.code;
    const operands = above.length === 0 ? above : this.#spares.forOperands(above);
    const address = this.#spares.of(I32, 0);
    edits.begin(position);
    for (let at = operands.length - 1; at >= 0; at -= 1) edits.code.indexed(Opcode.LocalSet, operands[at]!);
    edits.code.indexed(Opcode.LocalTee, address);
    write(address, operands);
    for (const local of operands) edits.code.indexed(Opcode.LocalGet, local);
  }

  #check(group: Group): void {
    const { rewriter, functions } = this.emitted;
    const write = (address: number): void => {
      const parts = [partOf(group, address)];
      for (const each of group.joined) parts.push(partOf(each, each.held!));
      writeCheck(rewriter.code, parts, functions);
    };
    if (group.held !== null) {
      rewriter.code.begin(group.position);
      write(group.held);
    } else this.#spill(group.position, group.above, write);
  }

  #bad(group: Group): void {
    const { rewriter, functions } = this.emitted;
    this.#spill(group.position, group.above, (address) => {
      writeCall(rewriter.code, address, group.accesses[0]!, functions);
    });
  }

  #range(position: number, reads: boolean): void {
    const { rewriter, functions, siteOffset } = this.emitted;
    const { code } = rewriter.code;
    const judge = (address: number, length: number, writes: boolean): void => {
      code.indexed(Opcode.LocalGet, address);
      code.indexed(Opcode.LocalGet, length);
      code.i32(writes ? 1 : 0);
      code.i32(position + siteOffset);
      code.indexed(Opcode.Call, functions.range);
    };
    this.#spill(position, RANGE_OPERANDS, (address, [source, length]) => {
      if (reads) judge(source!, length!, false);
      judge(address, length!, true);
    });
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
