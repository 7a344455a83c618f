// The instructions of the slots. Their registers: `top` (a u32 in memory) is the address of the innermost
// written slot; the local `fp` is the address of this activation's slot. At entry (or further down, at a
// place that every path to a call passes once)
//     fp = min_u(top + 8, LAST)
// and before a recorded call, with nothing after it,
//     i64.store(fp, site)      site in the low half, node = 0 in the high half
//     i32.store(top, fp)
// The pushes and pops of a sequence balance, so blocks, types and labels stay as they are.

import { InstructionWriter, Opcode } from '../binary/index.ts';
import { RUNTIME_TOP, SHADOW_SLOTS, SITE_HOST_PENDING, SLOT_SIZE } from '../runtime/layout.ts';

const I32 = 0x7f;

/** Addresses that go into the code. */
export interface SlotAddresses {
  readonly top: number;
  /** The last slot. */
  readonly last: number;
}

export function slotAddresses(runtimeAddress: number, shadowAddress: number): SlotAddresses {
  return { top: runtimeAddress + RUNTIME_TOP, last: shadowAddress + (SHADOW_SLOTS - 1) * SLOT_SIZE };
}

/** Writes the instructions that the sequences consist of. */
class SlotWriter extends InstructionWriter {
  /** Pushes `top`. The address is the offset immediate, which engines add for free. */
  loadTop(top: number): void {
    this.i32(0);
    this.memory(Opcode.I32Load, 2, top);
  }

  /** Stores to `top` what `value` pushes. */
  storeTop(top: number, value: () => void): void {
    this.i32(0);
    value();
    this.memory(Opcode.I32Store, 2, top);
  }

  /** Stores the pushed i64 to the pushed slot address. */
  storeSlot(): void {
    this.memory(Opcode.I64Store, 3, 0);
  }

  /** Turns the pushed `top` into min_u(top + 8, LAST). `local` keeps the sum meanwhile. */
  clamp(local: number, { last }: SlotAddresses): void {
    this.i32(SLOT_SIZE);
    this.byte(Opcode.I32Add);
    this.indexed(Opcode.LocalTee, local);
    this.i32(last);
    this.indexed(Opcode.LocalGet, local);
    this.i32(last);
    this.byte(Opcode.I32LtU);
    this.byte(Opcode.Select);
  }
}

/** The sequences, encoded for functions whose `fp` is one certain local. */
export interface SlotSequences {
  /** fp = min_u(top + 8, LAST) */
  readonly entry: Uint8Array;
  /** The store of the slot, up to the site and after it. */
  readonly slotHead: Uint8Array;
  readonly slotTail: Uint8Array;
  /** top = fp */
  readonly top: Uint8Array;
  /** top = fp - 8, for a callee that takes over this frame's place. */
  readonly yield: Uint8Array;
}

/** Encodes the sequences once for each local that is an `fp`. */
export class SlotCode {
  readonly #byLocal = new Map<number, SlotSequences>();

  constructor(readonly addresses: SlotAddresses) {}

  /** The sequences for functions whose `fp` is `local`. */
  for(local: number): SlotSequences {
    let found = this.#byLocal.get(local);
    if (found === undefined) {
      found = this.#encode(local);
      this.#byLocal.set(local, found);
    }
    return found;
  }

  #encode(local: number): SlotSequences {
    const { addresses } = this;
    const { top } = addresses;
    const write = (instructions: (writer: SlotWriter) => void): Uint8Array => {
      const writer = new SlotWriter();
      instructions(writer);
      return writer.take();
    };
    return {
      entry: write((writer) => {
        writer.loadTop(top);
        writer.clamp(local, addresses);
        writer.indexed(Opcode.LocalSet, local);
      }),
      slotHead: write((writer) => {
        writer.indexed(Opcode.LocalGet, local);
        writer.byte(Opcode.I64Const);
      }),
      slotTail: write((writer) => writer.storeSlot()),
      top: write((writer) => writer.storeTop(top, () => writer.indexed(Opcode.LocalGet, local))),
      yield: write((writer) => {
        writer.storeTop(top, () => {
          writer.indexed(Opcode.LocalGet, local);
          writer.i32(SLOT_SIZE);
          writer.byte(Opcode.I32Sub);
        });
      }),
    };
  }
}

/**
 * Body of a thunk around `target`. It notes that the host comes in here, below what was there before, and
 * puts `top` back afterwards, so that entries nest. An exception skips the end of the thunk; the host resets
 * `top` then.
 */
export function thunkBody(target: number, parameters: number, addresses: SlotAddresses): Uint8Array {
  const { top } = addresses;
  const saved = parameters;
  const slot = parameters + 1;
  const code = new SlotWriter();
  // One group of two i32 locals.
  code.byte(1);
  code.byte(2);
  code.byte(I32);
  code.loadTop(top);
  code.indexed(Opcode.LocalTee, saved);
  code.clamp(slot, addresses);
  code.indexed(Opcode.LocalTee, slot);
  code.i64(SITE_HOST_PENDING);
  code.storeSlot();
  code.storeTop(top, () => code.indexed(Opcode.LocalGet, slot));
  for (let parameter = 0; parameter < parameters; parameter += 1) {
    code.indexed(Opcode.LocalGet, parameter);
  }
  code.indexed(Opcode.Call, target);
  code.storeTop(top, () => code.indexed(Opcode.LocalGet, saved));
  code.byte(Opcode.End);
  return code.take();
}

/** True for the body of a thunk, whatever function it calls. */
export function isThunk(body: Uint8Array, parameters: number, addresses: SlotAddresses): boolean {
  const thunk = thunkBody(0, parameters, addresses);
  let same = 0;
  while (same < thunk.length && thunk[same] === body[same]) same += 1;
  if (same === thunk.length) return body.length === same;
  // Thunks differ in the index of the function that they call: the single 0 here.
  const rest = thunk.subarray(same + 1);
  const tail = body.subarray(body.length - rest.length);
  return body.length >= thunk.length && rest.every((byte, at) => byte === tail[at]);
}
