// Passes over the rewriter that are no part of the product. They use it as checks of memory accesses, exported
// globals and a grafted runtime would use it.

import { ExternalKind, InstructionWriter, Opcode, skipInstruction } from '../../src/binary/index.ts';
import type { Rewriter } from '../../src/rewrite/index.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;

const FIRST_LOAD = 0x28;
const FIRST_STORE = 0x36;
const LAST_STORE = 0x3e;
/** Types of the values that i32.store to i64.store32 store, in order of their opcodes. */
const STORED = [I32, I64, F32, F64, I32, I32, I64, I64, I64];

const Other = {
  Unreachable: 0x00,
  Nop: 0x01,
  GlobalSet: 0x24,
  I32Equal: 0x46,
  I64Add: 0x7c,
  I64ExtendUnsigned: 0xad,
} as const;
/** The block type of a block without results. */
const EMPTY = 0x40;

/** Names of the globals that `countAccesses` exports. */
export const ACCESSES = 'test_accesses';
export const ADDRESSES = 'test_addresses';

/** Calls `use` with the file offset of each instruction of a body. */
export function eachInstruction(rewriter: Rewriter, body: number, use: (at: number) => void): void {
  const { bytes, bodies, heads } = rewriter.module;
  const { end } = bodies[body]!;
  for (let at = heads.code[body]!; at < end; at = skipInstruction(bytes, at, end)) use(at);
}

/** The locals that a pass needs in one function, added when first asked for. */
class Locals {
  readonly #byType = new Map<number, number>();
  #address: number | null = null;

  constructor(
    readonly rewriter: Rewriter,
    readonly body: number,
  ) {}

  get address(): number {
    this.#address ??= this.rewriter.addLocal(this.body, I32);
    return this.#address;
  }

  value(type: number): number {
    const index = this.#byType.get(type) ?? this.rewriter.addLocal(this.body, type);
    this.#byType.set(type, index);
    return index;
  }
}

/**
 * Counts loads and stores, and sums up their addresses, in two exported globals. Before each access it also tests
 * the address, as a check of accesses would, in a branch that is hinted to be unlikely. Functions for which
 * `skip` is true stay as they are.
 */
export function countAccesses(rewriter: Rewriter, skip: (index: number) => boolean = () => false): void {
  const zero = Uint8Array.of(Opcode.I64Const, 0);
  const accesses = rewriter.addGlobal(I64, true, zero);
  const addresses = rewriter.addGlobal(I64, true, zero);
  rewriter.addExport(ACCESSES, ExternalKind.Global, accesses);
  rewriter.addExport(ADDRESSES, ExternalKind.Global, addresses);
  const { code } = rewriter.code;
  const add = (global: number, push: () => void): void => {
    code.indexed(Opcode.GlobalGet, global);
    push();
    code.byte(Other.I64Add);
    code.indexed(Other.GlobalSet, global);
  };
  const { bytes, bodies, importedFunctions } = rewriter.module;
  for (let body = 0; body < bodies.length; body += 1) {
    if (skip(importedFunctions + body)) continue;
    const locals = new Locals(rewriter, body);
    eachInstruction(rewriter, body, (at) => {
      const opcode = bytes[at]!;
      if (opcode < FIRST_LOAD || opcode > LAST_STORE) return;
      const stored = opcode < FIRST_STORE ? null : locals.value(STORED[opcode - FIRST_STORE]!);
      rewriter.code.begin(at);
      if (stored !== null) code.indexed(Opcode.LocalSet, stored);
      code.indexed(Opcode.LocalTee, locals.address);
      add(accesses, () => code.i64(1));
      add(addresses, () => {
        code.indexed(Opcode.LocalGet, locals.address);
        code.byte(Other.I64ExtendUnsigned);
      });
      code.indexed(Opcode.LocalGet, locals.address);
      code.i32(-1);
      code.byte(Other.I32Equal);
      rewriter.code.hint(false);
      code.byte(Opcode.If);
      code.byte(EMPTY);
      code.byte(Other.Unreachable);
      code.byte(Opcode.End);
      if (stored !== null) code.indexed(Opcode.LocalGet, stored);
    });
  }
}

/** Name under which `exportGlobals` exports a global. */
export const globalName = (index: number): string => `test_global_${index}`;

/** Exports all mutable globals, which a snapshot would save. */
export function exportGlobals(rewriter: Rewriter): void {
  rewriter.module.globals.forEach(({ mutable }, index) => {
    if (mutable) rewriter.addExport(globalName(index), ExternalKind.Global, index);
  });
}

/** What `moveBodies` did. */
export interface Moved {
  /** Functions whose bodies were moved, in order. The copy of the n-th one is the n-th appended function. */
  readonly functions: readonly number[];
}

/**
 * Moves the bodies of functions to appended functions, and calls those from the old places. A grafted runtime is
 * called in the same way from the bodies of the allocator that it replaces: through a table of its own, by an address
 * that lies in data of its own, with each body padded to its old length. Functions whose bodies are too short for
 * such a call stay as they are.
 */
export function moveBodies(rewriter: Rewriter, wanted: (index: number) => boolean, address: number): Moved {
  const { module } = rewriter;
  const functions: number[] = [];
  const copies: number[] = [];
  const types = new Map<string, number>();
  const base = rewriter.addGlobal(I32, false, Uint8Array.of(Opcode.I32Const, 0));
  const candidates = module.bodies.map((_, body) => module.importedFunctions + body).filter(wanted);
  const table = module.tables.length;
  for (const index of candidates) {
    const { start, end } = module.bodies[index - module.importedFunctions]!;
    const { parameters, results } = module.functionType(index);
    const signature = [parameters, results].map((list) => list.map(({ code }) => code));
    const key = JSON.stringify(signature);
    const code = new InstructionWriter();
    code.unsigned(0);
    parameters.forEach((_, parameter) => {
      code.indexed(Opcode.LocalGet, parameter);
    });
    code.indexed(Opcode.GlobalGet, base);
    code.memory(Opcode.I32Load, 2, address + 4 * functions.length);
    code.byte(Opcode.CallIndirect);
    code.unsigned(types.get(key) ?? module.types.length + types.size);
    code.unsigned(table);
    if (code.length + 1 > end - start) continue;
    if (!types.has(key)) types.set(key, rewriter.addType(signature[0]!, signature[1]!));
    while (code.length + 1 < end - start) code.byte(Other.Nop);
    code.byte(Opcode.End);
    rewriter.replaceBody(index, code.take());
    copies.push(rewriter.addFunction(module.functions[index]!, module.bytes.subarray(start, end)));
    functions.push(index);
  }
  rewriter.addFunctionTable(copies.length, copies.length);
  rewriter.addElements(table, 0, copies);
  rewriter.addData(address, new Uint8Array(Uint32Array.from(copies.keys()).buffer));
  return { functions };
}
