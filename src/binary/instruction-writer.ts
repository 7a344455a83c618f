// Writes instructions, for code that is inserted or appended.

import { ByteWriter } from './byte-writer.ts';
import { Opcode } from './opcodes.ts';

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
}
