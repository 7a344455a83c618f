// Writes instructions, for code that is inserted or appended.

import { ByteWriter } from './byte-writer.ts';
import { Opcode } from './opcodes.ts';

/** The instructions behind this prefix work on ranges of memory, among others. */
const MISC = 0xfc;
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;

/** A byte writer that knows the common forms of instructions. */
export class InstructionWriter extends ByteWriter {
  /** An instruction with one index: local.get, global.set, call, … */
  indexed(opcode: number, index: number): void {
    this.byte(opcode);
    this.unsigned(index);
  }

  /** i32.const of an address or another 32-bit number, signed or unsigned. */
  i32(value: number): void {
    this.byte(Opcode.I32Const);
    this.signed(value | 0);
  }

  /** i64.const of a safe integer. */
  i64(value: number): void {
    this.byte(Opcode.I64Const);
    this.signed(value);
  }

  /** A load or store in memory 0. `alignment` is a power of two, given as its exponent. */
  memory(opcode: number, alignment: number, offset: number): void {
    this.byte(opcode);
    this.byte(alignment);
    this.unsigned(offset);
  }

  /** memory.copy within memory 0. */
  memoryCopy(): void {
    this.byte(MISC);
    this.unsigned(MEMORY_COPY);
    this.byte(0);
    this.byte(0);
  }

  /** memory.fill of memory 0. */
  memoryFill(): void {
    this.byte(MISC);
    this.unsigned(MEMORY_FILL);
    this.byte(0);
  }
}
