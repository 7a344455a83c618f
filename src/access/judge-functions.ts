// Functions that a check calls when the shadow of its access is not 0: one for each size and direction, with the address
// and the site as parameters. So the call is short, which matters because there are as many calls as checks. Most such
// accesses are right, because they end in the last granule of a block, which is open in part. The function sees this by
// itself and asks the runtime about the others.
//
//     if ((ADDRESS & 7) + size > load_signed(SHADOW + (ADDRESS >> 3)))
//       heapline_access(ADDRESS, size and direction, SITE)

import { InstructionWriter, Opcode } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { SHADOW_GRANULE, SHADOW_SHIFT } from '../runtime/layout.ts';

const I32 = 0x7f;
const EMPTY = 0x40;
const I32_LOAD8_S = 0x2c;
const I32_GT_S = 0x4a;
const I32_AND = 0x71;
const I32_SHR_U = 0x76;
const ADDRESS = 0;
const SITE = 1;

/** What such functions call, and where the shadow begins. */
export interface Judge {
  /** Index of heapline_access. */
  readonly access: number;
  readonly shadow: number;
}

/** Adds these functions to a module when they are first needed. */
export class JudgeFunctions {
  readonly #functions = new Map<number, number>();
  #type: number | null = null;

  constructor(
    readonly rewriter: Rewriter,
    readonly judge: Judge,
  ) {}

  /** Index of the function for accesses of this kind. @param size bytes */
  of(size: number, writes: boolean): number {
    const kind = size * 2 + (writes ? 1 : 0);
    let index = this.#functions.get(kind);
    if (index === undefined) {
      this.#type ??= this.rewriter.addType([I32, I32], []);
      index = this.rewriter.addFunction(this.#type, bodyFor(size, kind, this.judge));
      this.#functions.set(kind, index);
    }
    return index;
  }
}

function bodyFor(size: number, kind: number, { access, shadow }: Judge): Uint8Array {
  const code = new InstructionWriter();
  code.byte(0); // no locals
  code.indexed(Opcode.LocalGet, ADDRESS);
  code.i32(SHADOW_GRANULE - 1);
  code.byte(I32_AND);
  code.i32(size);
  code.byte(Opcode.I32Add);
  // The number of bytes of the granule that are open, or a negative number.
  code.indexed(Opcode.LocalGet, ADDRESS);
  code.i32(SHADOW_SHIFT);
  code.byte(I32_SHR_U);
  code.memory(I32_LOAD8_S, 0, shadow);
  code.byte(I32_GT_S);
  code.byte(Opcode.If);
  code.byte(EMPTY);
  code.indexed(Opcode.LocalGet, ADDRESS);
  code.i32(kind);
  code.indexed(Opcode.LocalGet, SITE);
  code.indexed(Opcode.Call, access);
  code.byte(Opcode.End);
  code.byte(Opcode.End);
  return code.take();
}
