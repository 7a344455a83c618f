// Exact instruction counts: a pass that makes a module count the instructions that it executes. A count is the same
// on every machine and in every run, so it shows a change of a few instructions per malloc, which a stopwatch cannot
// show.
//
// The pass counts the instructions that become machine code. It does not count structure (block, loop, else, end),
// locals and constants, because a compiler turns them into registers and immediates. memory.copy and memory.fill
// count as one instruction, and as one more for every 16 bytes.
//
// Code runs straight from one branch, call or label to the next, so one addition there counts all instructions
// before it:
//     instructions += n        (global.get, i64.const n, i64.add, global.set)
// The addition stands before the branch, whose operands stay on the stack below.
import {
  ExternalKind,
  InstructionWriter,
  Opcode,
  peekU32,
  readModule,
  skipInstruction,
} from '../src/binary/index.ts';
import { Rewriter } from '../src/rewrite/index.ts';

/** Name of the exported i64 global that holds the count. */
export const COUNTER = 'instructions';

const I32 = 0x7f;
const I64 = 0x7e;

/** Numbers of the opcodes that only this file needs. */
const Other = {
  Unreachable: 0x00,
  Nop: 0x01,
  Drop: 0x1a,
  GlobalSet: 0x24,
  F64Const: 0x44,
  I64Add: 0x7c,
  I64ShiftRight: 0x88,
  I64Extend: 0xad,
  BranchOnNull: 0xd5,
  BranchOnNonNull: 0xd6,
  /** Prefix of the instructions on references, some of which branch. */
  Gc: 0xfb,
  /** Prefix of memory.copy and memory.fill among others. */
  Misc: 0xfc,
} as const;
/** Codes behind that prefix. */
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;
/** Bytes of a bulk instruction that count as one instruction, as a power of two. */
const BULK_SHIFT = 4;

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Instructions for which a compiler generates no machine code. */
const silent: ReadonlySet<number> = new Set([
  Other.Nop,
  Opcode.Block,
  Opcode.Loop,
  ...range(Opcode.Else, Opcode.Catch),
  Opcode.End,
  Opcode.Delegate,
  Opcode.CatchAll,
  Other.Drop,
  Opcode.TryTable,
  ...range(Opcode.LocalGet, Opcode.LocalTee),
  ...range(Opcode.I32Const, Other.F64Const),
]);

/**
 * Instructions after which control may not continue, or before which it may arrive. Calls are among them, because
 * they may throw.
 */
const endsStraightCode: ReadonlySet<number> = new Set([
  Other.Unreachable,
  ...range(Opcode.Loop, Opcode.CatchAll),
  Opcode.TryTable,
  Other.BranchOnNull,
  Other.BranchOnNonNull,
  Other.Gc,
]);

/** Indices of the globals that the pass adds. */
interface Counters {
  readonly count: number;
  /** Keeps the length of a bulk instruction while it is added to the count. */
  readonly length: number;
}

/** Writes the instructions that the pass inserts. */
class CountingWriter extends InstructionWriter {
  constructor(readonly counters: Counters) {
    super();
  }

  /** Adds to the count the i64 that `push` leaves on the stack. */
  #add(push: () => void): void {
    this.indexed(Opcode.GlobalGet, this.counters.count);
    push();
    this.byte(Other.I64Add);
    this.indexed(Other.GlobalSet, this.counters.count);
  }

  addConstant(value: number): void {
    this.#add(() => this.i64(value));
  }

  /** Adds a share of the i32 on the stack to the count. The i32 stays on the stack. */
  addLength(): void {
    this.indexed(Other.GlobalSet, this.counters.length);
    this.#add(() => {
      this.indexed(Opcode.GlobalGet, this.counters.length);
      this.byte(Other.I64Extend);
      this.i64(BULK_SHIFT);
      this.byte(Other.I64ShiftRight);
    });
    this.indexed(Opcode.GlobalGet, this.counters.length);
  }
}

const isBulk = (bytes: Uint8Array, at: number): boolean => {
  if (bytes[at] !== Other.Misc) return false;
  const code = peekU32(bytes, at + 1);
  return code === MEMORY_COPY || code === MEMORY_FILL;
};

/** Inserts the additions of the code between two file offsets. */
function countBody(rewriter: Rewriter, start: number, end: number, counters: Counters): void {
  const { bytes } = rewriter.module;
  const insert = (at: number, write: (writer: CountingWriter) => void): void => {
    const writer = new CountingWriter(counters);
    write(writer);
    rewriter.code.insert(at, writer.take());
  };
  let pending = 0;
  for (let at = start; at < end; at = skipInstruction(bytes, at, end)) {
    const opcode = bytes[at]!;
    if (!silent.has(opcode)) pending++;
    if (pending > 0 && endsStraightCode.has(opcode)) {
      const counted = pending;
      insert(at, (writer) => writer.addConstant(counted));
      pending = 0;
    } else if (isBulk(bytes, at)) insert(at, (writer) => writer.addLength());
  }
}

/** Adds a mutable global that starts as 0; returns its index. */
const addCounter = (rewriter: Rewriter, type: number, constant: number): number =>
  rewriter.addGlobal(type, true, Uint8Array.of(constant, 0));

/** The module with an exported global of type i64 that counts the instructions it executes. */
export function countingModule(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = readModule(bytes);
  const rewriter = new Rewriter(module);
  const count = addCounter(rewriter, I64, Opcode.I64Const);
  const counters = { count, length: addCounter(rewriter, I32, Opcode.I32Const) };
  rewriter.addExport(COUNTER, ExternalKind.Global, count);
  module.bodies.forEach(({ end }, body) => {
    countBody(rewriter, module.heads.code[body]!, end, counters);
  });
  return new Uint8Array(rewriter.write().bytes);
}
