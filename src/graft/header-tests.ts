// The test of a block's header that calloc makes, inlined into a caller: dlmalloc's calloc looks at the two lowest bits of
// the word before the block, and does not clear blocks in which both are zero, because fresh pages of the system are. The
// runtime has no such bits there. The code reads, for a pointer that malloc has just returned,
//
//     i32.load8_u (pointer - 4); i32.const 3; i32.and
//
// and the last three instructions can be replaced by ones of the same length that say yes without looking at the header:
// drop; i32.const 1; nops.

import { Opcode, peekU32, skipInstruction, skipLeb, type WasmModule } from '../binary/index.ts';

/** A test to be answered. */
export interface HeaderTest {
  /** File offset of the load. */
  readonly position: number;
  /** What takes its place. */
  readonly answer: Uint8Array;
}

const TEST = [Opcode.I32Const, 3, Opcode.I32And] as const;
const NOP = 0x01;
const ANSWER = [Opcode.Drop, Opcode.I32Const, 1] as const;
const BEFORE_BLOCK: readonly (readonly number[])[] = [
  [Opcode.I32Const, 4, Opcode.I32Sub],
  [Opcode.I32Const, 0x7c, Opcode.I32Add],
];

/** The tests in a function. */
export interface HeaderTests {
  /** Those of pointers that an allocation function has just returned. */
  readonly answerable: readonly HeaderTest[];
  /** How many test other pointers, which may be blocks or not. */
  readonly others: number;
}

/** What takes the place of a test with so many bytes. */
function answerOf(length: number): Uint8Array {
  const answer = new Uint8Array(length).fill(NOP);
  answer.set(ANSWER);
  return answer;
}

/** Finds the tests in a function. @param allocating the functions that return blocks */
export function headerTests(module: WasmModule, index: number, allocating: ReadonlySet<number>): HeaderTests {
  const { bytes } = module;
  const body = index - module.importedFunctions;
  const { end } = module.bodies[body]!;
  const answerable: HeaderTest[] = [];
  let others = 0;
  /** Locals that hold what an allocation function has returned. */
  const blocks = new Set<number>();
  let returned = false;
  const follows = (at: number, expected: readonly number[]): boolean =>
    expected.every((byte, offset) => bytes[at + offset] === byte);
  for (let at = module.heads.code[body]!; at < end; ) {
    const opcode = bytes[at]!;
    const next = skipInstruction(bytes, at, end);
    if (opcode === Opcode.LocalSet || opcode === Opcode.LocalTee) {
      const local = peekU32(bytes, at + 1);
      if (returned) blocks.add(local);
      else blocks.delete(local);
      returned &&= opcode === Opcode.LocalTee;
    } else if (opcode === Opcode.LocalGet) {
      returned = blocks.has(peekU32(bytes, at + 1));
    } else returned = opcode === Opcode.Call && allocating.has(peekU32(bytes, at + 1));
    at = next;
    const load = at + 3;
    if (!BEFORE_BLOCK.some((code) => follows(at, code))) continue;
    if (bytes[load] !== Opcode.I32Load8U && bytes[load] !== Opcode.I32Load) continue;
    const offset = skipLeb(bytes, load + 1);
    const test = skipLeb(bytes, offset);
    if (bytes[offset] !== 0 || !follows(test, TEST)) continue;
    if (returned) answerable.push({ position: load, answer: answerOf(test + TEST.length - load) });
    else others += 1;
  }
  return { answerable, others };
}
