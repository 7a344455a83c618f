// Exact instruction counts: rewrites a module so that it counts what it executes. A count is the same on every
// machine and in every run, so it shows a change of a few instructions per malloc where a stopwatch shows weather.
//
// Counted are the instructions that make machine code of their own. Structure (block, loop, else, end), locals and
// constants are not: a compiler turns them into registers and immediates. memory.copy and memory.fill count as one and
// one more for every 16 bytes.
//
// Code runs straight from one branch, call or label to the next, so one addition there counts all before it:
//     instructions += n        (global.get, i64.const n, i64.add, global.set)
// placed in front of the branch, whose operands stay on the stack below.
import {
  ByteReader,
  ByteWriter,
  ExternalKind,
  Opcode,
  peekU32,
  readModule,
  SectionId,
  skipInstruction,
  skipLeb,
  skipValueType,
  type WasmModule,
} from '../src/binary/index.ts';

/** Name of the exported i64 global that holds the count. */
export const COUNTER = 'instructions';

const I32 = 0x7f;
const I64 = 0x7e;

/** Opcodes that only this file needs, by number. */
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

/** Instructions that make no machine code of their own. */
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

/** Instructions after which code need not go on, or before which it may be entered. Calls: they may throw. */
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

/** The instructions that the pass inserts. */
class CountingWriter extends ByteWriter {
  constructor(
    readonly counters: Counters,
    capacity: number,
  ) {
    super(capacity);
  }

  /** Adds what `push` leaves on the stack, an i64, to the count. */
  #add(push: () => void): void {
    this.global(Opcode.GlobalGet, this.counters.count);
    push();
    this.byte(Other.I64Add);
    this.global(Other.GlobalSet, this.counters.count);
  }

  global(opcode: number, index: number): void {
    this.byte(opcode);
    this.unsigned(index);
  }

  addConstant(value: number): void {
    this.#add(() => this.long(value));
  }

  /** Adds a share of the i32 on the stack, which stays there. */
  addLength(): void {
    this.global(Other.GlobalSet, this.counters.length);
    this.#add(() => {
      this.global(Opcode.GlobalGet, this.counters.length);
      this.byte(Other.I64Extend);
      this.long(BULK_SHIFT);
      this.byte(Other.I64ShiftRight);
    });
    this.global(Opcode.GlobalGet, this.counters.length);
  }

  long(value: number): void {
    this.byte(Opcode.I64Const);
    this.signed(value);
  }
}

const isBulk = (bytes: Uint8Array, at: number): boolean => {
  if (bytes[at] !== Other.Misc) return false;
  const code = peekU32(bytes, at + 1);
  return code === MEMORY_COPY || code === MEMORY_FILL;
};

function countBody(bytes: Uint8Array, start: number, end: number, counters: Counters): Uint8Array {
  const writer = new CountingWriter(counters, 2 * (end - start));
  const locals = new ByteReader(bytes, start, end);
  let at = skipLeb(bytes, start);
  for (let groups = locals.u32(); groups > 0; groups--) at = skipValueType(bytes, skipLeb(bytes, at));
  let copied = start;
  const copyUpTo = (offset: number): void => {
    writer.copy(bytes.subarray(copied, offset));
    copied = offset;
  };
  let pending = 0;
  while (at < end) {
    const opcode = bytes[at]!;
    if (!silent.has(opcode)) pending++;
    if (pending > 0 && endsStraightCode.has(opcode)) {
      copyUpTo(at);
      writer.addConstant(pending);
      pending = 0;
    } else if (isBulk(bytes, at)) {
      copyUpTo(at);
      writer.addLength();
    }
    at = skipInstruction(bytes, at, end);
  }
  copyUpTo(end);
  return writer.take();
}

/** Content of a vector section with encoded entries appended. */
function append(module: WasmModule, id: number, entries: readonly ByteWriter[]): Uint8Array {
  const section = module.section(id);
  if (!section) throw new Error(`a module without section ${id} cannot be made to count`);
  const reader = new ByteReader(module.bytes, section.content, section.end);
  const writer = new ByteWriter();
  writer.unsigned(reader.u32() + entries.length);
  writer.copy(module.bytes.subarray(skipLeb(module.bytes, section.content), section.end));
  for (const entry of entries) writer.copy(entry.take());
  return writer.take();
}

/** A mutable global that starts as 0. */
function global(type: number, constant: number): ByteWriter {
  const entry = new ByteWriter();
  for (const byte of [type, 1, constant, 0, Opcode.End]) entry.byte(byte);
  return entry;
}

/** The module with an exported global of type i64 that counts the instructions it executes. */
export function countingModule(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = readModule(bytes);
  const counters = { count: module.globals.length, length: module.globals.length + 1 };
  const exported = new ByteWriter();
  exported.name(COUNTER);
  exported.byte(ExternalKind.Global);
  exported.unsigned(counters.count);
  const code = new ByteWriter(3 * (module.codeEnd - module.codeStart));
  code.unsigned(module.bodies.length);
  for (const { start, end } of module.bodies) {
    const body = countBody(bytes, start, end, counters);
    code.unsigned(body.length);
    code.copy(body);
  }
  const globals = [global(I64, Opcode.I64Const), global(I32, Opcode.I32Const)];
  const changed = new Map<number, Uint8Array>([
    [SectionId.Global, append(module, SectionId.Global, globals)],
    [SectionId.Export, append(module, SectionId.Export, [exported])],
    [SectionId.Code, code.take()],
  ]);
  const out = new ByteWriter(bytes.length + code.length);
  out.copy(bytes.subarray(0, 8));
  for (const section of module.sections) {
    const content = changed.get(section.id);
    if (!content) {
      out.copy(bytes.subarray(section.start, section.end));
      continue;
    }
    out.byte(section.id);
    out.unsigned(content.length);
    out.copy(content);
  }
  return new Uint8Array(out.take());
}
