// The test of a block's header that calloc makes, inlined into a caller: dlmalloc's calloc looks at the two lowest bits of
// the word before the block, and does not clear blocks in which both are zero, because fresh pages of the system are. The
// runtime has no such bits there. The code reads, for a pointer that malloc has just returned,
//
//     i32.load8_u (pointer - 4); i32.const 3; i32.and
//
// and the last three instructions can be replaced by ones of the same length that say yes without looking at the header:
// drop; i32.const 1; nops.

import { Opcode, skipInstruction, skipLeb, type WasmModule } from '../binary/index.ts';
import { KnownBlocks } from './known-blocks.ts';

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
/** Bytes of the code for the address of the header. */
const DISTANCE = 3;
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

/** How the size in a header is told from the bits beside it. */
const SIZE_MASK: readonly number[] = [Opcode.I32Const, 0x78, Opcode.I32And];
/** Bytes behind the load of a header in which both are taken from it. */
const APART = 48;

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
  const { start, end } = module.bodies[body]!;
  const answerable: HeaderTest[] = [];
  let others = 0;
  if (!mayTest(bytes, start, end)) return { answerable, others };
  const known = new KnownBlocks(bytes, allocating);
  for (let at = module.heads.code[body]!; at < end; ) {
    const next = skipInstruction(bytes, at, end);
    known.step(at);
    at = next;
    const length = testAt(bytes, at);
    if (length === 0) {
      if (readsHeader(bytes, at)) others += 1;
    } else if (known.onTop) answerable.push({ position: at + DISTANCE, answer: answerOf(length - DISTANCE) });
    else others += 1;
  }
  return { answerable, others };
}

const follows = (bytes: Uint8Array, at: number, expected: readonly number[]): boolean =>
  expected.every((byte, index) => bytes[at + index] === byte);

/** The offset behind code that loads the word before what a pointer points to; 0 when there is other code. */
function behindLoad(bytes: Uint8Array, at: number): number {
  const load = at + DISTANCE;
  if (bytes[load] !== Opcode.I32Load8U && bytes[load] !== Opcode.I32Load) return 0;
  if (!BEFORE_BLOCK.some((code) => follows(bytes, at, code))) return 0;
  const offset = skipLeb(bytes, load + 1);
  return bytes[offset] === 0 ? skipLeb(bytes, offset) : 0;
}

/** Length of the test of a header at this offset; 0 when there is none. */
function testAt(bytes: Uint8Array, at: number): number {
  const test = behindLoad(bytes, at);
  return test > 0 && follows(bytes, test, TEST) ? test + TEST.length - at : 0;
}

/** Whether the code at this offset takes a block's header apart, as Rust's free does that compares sizes. */
function readsHeader(bytes: Uint8Array, at: number): boolean {
  const next = behindLoad(bytes, at);
  if (next === 0) return false;
  const contains = (code: readonly number[]): boolean => {
    for (let place = next; place < next + APART; place += 1) if (follows(bytes, place, code)) return true;
    return false;
  };
  return contains(SIZE_MASK) && contains(TEST);
}

/** Whether there may be a test in these bytes, as far as bytes show it that may be parts of other instructions. */
function mayTest(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = bytes.indexOf(Opcode.I32Const, start); at >= 0 && at < end; ) {
    if (behindLoad(bytes, at) > 0) return true;
    at = bytes.indexOf(Opcode.I32Const, at + 1);
  }
  return false;
}
