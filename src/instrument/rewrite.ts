// Writes the code section with slots. The size of every body is computed from the plan before a byte is written,
// so the output has its exact size and nothing is moved twice. Between insertions the original bytes are copied.
//
// Registers of the scheme: `top` (a u32 in memory) is the address of the innermost written slot; the new local
// `fp` is the address of this activation's slot. On entry (or further down, where every path to a call passes once)
//     fp = min_u(top + 8, LAST)
// and before a recorded call, with nothing after it,
//     i64.store(fp, site)      site in the low half, node = 0 in the high half
//     i32.store(top, fp)
// The pushes and pops of an insertion balance, so blocks, types and labels stay as they are.

import {
  ByteWriter,
  Opcode,
  signedLength,
  skipLeb,
  unsignedLength,
  type WasmModule,
  writeSigned,
  writeUnsigned,
} from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { RUNTIME_TOP, SHADOW_SLOTS, SITE_HOST_PENDING, SLOT_SIZE } from '../runtime/layout.ts';
import type { CallGraph } from './call-graph.ts';
import type { CodeRuns } from './offset-map.ts';
import { type CallSites, SiteFlag } from './scan.ts';

/** Most locals a function may have, parameters included, in every engine (JS API specification, "Limits"). */
const MAXIMUM_LOCALS = 50_000;
/** Most bytes of a function body (same place). */
const MAXIMUM_BODY = 7_654_321;

const I32 = 0x7f;

/** What is inserted at a site, as bits. */
const Insert = {
  Slot: 1,
  Top: 2,
  /** The call of a sink in tail position becomes a call and a return, so that this frame is in the context. */
  Return: 4,
  /** A tail call: the callee takes over this frame's place. */
  Yield: 8,
} as const;

/** The plan of the pass: what goes where, and how long every body gets. */
export interface RewritePlan {
  /** Bits of Insert for every site. */
  readonly inserts: Uint8Array;
  /** New length of every body, 0 for bodies that stay as they are. */
  readonly lengths: Uint32Array;
  readonly sequences: SequenceTable;
  readonly recordedCalls: number;
  readonly instrumentedFunctions: number;
}

/** Addresses that go into the code. */
export interface SlotAddresses {
  readonly top: number;
  /** The last slot. */
  readonly last: number;
}

export function slotAddresses(runtimeAddress: number, shadowAddress: number): SlotAddresses {
  return { top: runtimeAddress + RUNTIME_TOP, last: shadowAddress + (SHADOW_SLOTS - 1) * SLOT_SIZE };
}

/** The instruction sequences of the scheme, encoded for functions whose `fp` is this local. */
interface Sequences {
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

/** Encodes the sequences once for each local index that occurs. */
class SequenceTable {
  readonly #byLocal = new Map<number, Sequences>();

  constructor(readonly addresses: SlotAddresses) {}

  for(local: number): Sequences {
    let found = this.#byLocal.get(local);
    if (found === undefined) {
      found = this.#encode(local);
      this.#byLocal.set(local, found);
    }
    return found;
  }

  #encode(local: number): Sequences {
    const { top } = this.addresses;
    const minimum = new CodeWriter();
    minimum.loadTop(top);
    minimum.clamp(local, this.addresses);
    minimum.local(Opcode.LocalSet, local);
    const slotHead = new CodeWriter();
    slotHead.local(Opcode.LocalGet, local);
    slotHead.byte(Opcode.I64Const);
    const slotTail = new CodeWriter();
    slotTail.storeSlot();
    const store = new CodeWriter();
    store.storeTop(top, () => store.local(Opcode.LocalGet, local));
    const yielded = new CodeWriter();
    yielded.storeTop(top, () => {
      yielded.local(Opcode.LocalGet, local);
      yielded.constant(SLOT_SIZE);
      yielded.byte(Opcode.I32Sub);
    });
    return {
      entry: minimum.take(),
      slotHead: slotHead.take(),
      slotTail: slotTail.take(),
      top: store.take(),
      yield: yielded.take(),
    };
  }
}

/** Writes the few instructions that the scheme is made of. */
class CodeWriter extends ByteWriter {
  /** An address or other number as i32.const. */
  constant(value: number): void {
    this.byte(Opcode.I32Const);
    this.signed(value | 0);
  }

  local(opcode: number, index: number): void {
    this.byte(opcode);
    this.unsigned(index);
  }

  /** Pushes `top`. The address is the offset immediate, which engines add for free. */
  loadTop(top: number): void {
    this.constant(0);
    this.byte(Opcode.I32Load);
    this.byte(2);
    this.unsigned(top);
  }

  /** Stores what `value` pushes to `top`. */
  storeTop(top: number, value: () => void): void {
    this.constant(0);
    value();
    this.byte(Opcode.I32Store);
    this.byte(2);
    this.unsigned(top);
  }

  /** Stores the pushed i64 to the pushed slot address. */
  storeSlot(): void {
    this.byte(Opcode.I64Store);
    this.byte(3);
    this.byte(0);
  }

  /** Turns the pushed `top` into min_u(top + 8, LAST), using `local` for what lies between. */
  clamp(local: number, { last }: SlotAddresses): void {
    this.constant(SLOT_SIZE);
    this.byte(Opcode.I32Add);
    this.local(Opcode.LocalTee, local);
    this.constant(last);
    this.local(Opcode.LocalGet, local);
    this.constant(last);
    this.byte(Opcode.I32LtU);
    this.byte(Opcode.Select);
  }
}

/** Decides the insertions. Throws UnsupportedModuleError for functions that would exceed what engines allow. */
export function planRewrite(
  module: WasmModule,
  sites: CallSites,
  graph: CallGraph,
  addresses: SlotAddresses,
): RewritePlan {
  const sequences = new SequenceTable(addresses);
  const inserts = new Uint8Array(sites.count);
  const lengths = new Uint32Array(module.bodies.length);
  let recordedCalls = 0;
  let instrumentedFunctions = 0;
  for (let body = 0; body < module.bodies.length; body += 1) {
    const index = module.importedFunctions + body;
    if (graph.instrumented[index] === 0) continue;
    const local = sites.locals[body]!;
    const sequence = sequences.for(local);
    const slotBytes = sequence.slotHead.length + sequence.slotTail.length;
    const topBytes = sequence.top.length;
    let inserted = 0;
    let recorded = 0;
    // True while `top` is known to hold `fp`: after the recorded call of a sink in the same straight line.
    let topIsSet = false;
    for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) {
      const flags = sites.flags[site]!;
      if ((flags & SiteFlag.Join) !== 0) topIsSet = false;
      if (graph.recorded[site] === 0) continue;
      recorded += 1;
      const direct = (flags & (SiteFlag.Indirect | SiteFlag.Reference)) === 0;
      const sink = direct && graph.sinks[sites.target[site]!] === 1;
      const tail = (flags & SiteFlag.Tail) !== 0;
      let insert: number;
      if (tail && !sink) {
        insert = Insert.Yield;
        inserted += sequence.yield.length;
      } else {
        insert = Insert.Slot | (tail ? Insert.Return : 0) | (topIsSet ? 0 : Insert.Top);
        inserted += slotBytes + signedLength(sites.position[site]! - module.codeStart);
        inserted += (tail ? 1 : 0) + (topIsSet ? 0 : topBytes);
      }
      inserts[site] = insert;
      topIsSet = sink && graph.sinksKeepTop;
    }
    if (recorded === 0) continue;
    if (local >= MAXIMUM_LOCALS) {
      throw new UnsupportedModuleError(
        `function ${index} has ${local} locals, the most that engines allow (${MAXIMUM_LOCALS}): there is no room for one more`,
      );
    }
    const { start, end } = module.bodies[body]!;
    const groups = localGroups(module.bytes, start);
    const length =
      end - start + inserted + sequence.entry.length + 2 + unsignedLength(groups.count + 1) - groups.width;
    if (length > MAXIMUM_BODY) {
      throw new UnsupportedModuleError(
        `function ${index} would grow to ${length} bytes with slots; engines allow ${MAXIMUM_BODY}`,
      );
    }
    lengths[body] = length;
    recordedCalls += recorded;
    instrumentedFunctions += 1;
  }
  return { inserts, lengths, sequences, recordedCalls, instrumentedFunctions };
}

/** Number of local groups that a body declares, and the bytes that the number takes in the original. */
function localGroups(bytes: Uint8Array, start: number): { count: number; width: number } {
  const end = skipLeb(bytes, start);
  let count = 0;
  for (let at = end - 1; at >= start; at -= 1) count = count * 0x80 + (bytes[at]! & 0x7f);
  return { count, width: end - start };
}

/** Collects the runs of copied code. */
class RunRecorder {
  count = 0;
  readonly instrumented: Uint32Array;
  readonly original: Uint32Array;
  readonly length: Uint32Array;

  constructor(capacity: number) {
    this.instrumented = new Uint32Array(capacity);
    this.original = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
  }

  /** Notes that `length` bytes of the original at `original` are now at `instrumented`. */
  add(instrumented: number, original: number, length: number): void {
    if (length === 0) return;
    const last = this.count - 1;
    if (
      last >= 0 &&
      this.original[last]! + this.length[last]! === original &&
      this.instrumented[last]! + this.length[last]! === instrumented
    ) {
      this.length[last]! += length;
      return;
    }
    this.instrumented[this.count] = instrumented;
    this.original[this.count] = original;
    this.length[this.count] = length;
    this.count += 1;
  }

  take(): CodeRuns {
    const { count } = this;
    return {
      count,
      instrumented: this.instrumented.slice(0, count),
      original: this.original.slice(0, count),
      length: this.length.slice(0, count),
    };
  }
}

/** Length of the new code section's payload. */
export function codeLength(module: WasmModule, plan: RewritePlan, thunks: readonly Uint8Array[]): number {
  let length = unsignedLength(module.bodies.length + thunks.length);
  let previous = module.codeStart + unsignedLengthAt(module.bytes, module.codeStart);
  module.bodies.forEach(({ end }, body) => {
    const grown = plan.lengths[body]!;
    length += grown === 0 ? end - previous : unsignedLength(grown) + grown;
    previous = end;
  });
  for (const thunk of thunks) length += unsignedLength(thunk.length) + thunk.length;
  return length;
}

const unsignedLengthAt = (bytes: Uint8Array, offset: number): number => skipLeb(bytes, offset) - offset;

/** Below this many bytes a loop copies faster than TypedArray.set, which has to make a view first. */
const SHORT_COPY = 64;

/** Copies a range to `out` at `at`; returns the offset after it. */
function copyRange(bytes: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
  const length = to - from;
  if (length >= SHORT_COPY) out.set(bytes.subarray(from, to), at);
  else for (let index = 0; index < length; index += 1) out[at + index] = bytes[from + index]!;
  return at + length;
}

/** Copies all of `bytes` to `out` at `at`; returns the offset after it. */
function put(bytes: Uint8Array, out: Uint8Array, at: number): number {
  for (let index = 0; index < bytes.length; index += 1) out[at + index] = bytes[index]!;
  return at + bytes.length;
}

/** Writes the payload of the new code section to `out` at `start`; returns the runs it copied. */
export function writeCode(
  module: WasmModule,
  sites: CallSites,
  plan: RewritePlan,
  thunks: readonly Uint8Array[],
  out: Uint8Array,
  start: number,
): CodeRuns {
  const { bytes, codeStart } = module;
  const runs = new RunRecorder(plan.recordedCalls * 2 + 4 * plan.instrumentedFunctions + 1);
  let at = writeUnsigned(out, start, module.bodies.length + thunks.length);
  // Everything before `copied` is in the output, changed or not.
  let copied = skipLeb(bytes, codeStart);
  for (let body = 0; body < module.bodies.length; body += 1) {
    const length = plan.lengths[body]!;
    if (length === 0) continue;
    const { start: bodyStart } = module.bodies[body]!;
    const before = body === 0 ? skipLeb(bytes, codeStart) : module.bodies[body - 1]!.end;
    runs.add(at - start, copied - codeStart, before - copied);
    at = copyRange(bytes, copied, before, out, at);

    const code = sites.code[body]!;
    const sequence = plan.sequences.for(sites.locals[body]!);
    const groups = localGroups(bytes, bodyStart);
    at = writeUnsigned(out, at, length);
    at = writeUnsigned(out, at, groups.count + 1);
    copied = bodyStart + groups.width;
    runs.add(at - start, copied - codeStart, code - copied);
    at = copyRange(bytes, copied, code, out, at);
    copied = code;
    out[at++] = 1;
    out[at++] = I32;
    const entry = sites.entry[body]!;
    runs.add(at - start, copied - codeStart, entry - copied);
    at = copyRange(bytes, copied, entry, out, at);
    copied = entry;
    at = put(sequence.entry, out, at);

    for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) {
      const insert = plan.inserts[site]!;
      if (insert === 0) continue;
      const position = sites.position[site]!;
      runs.add(at - start, copied - codeStart, position - copied);
      at = copyRange(bytes, copied, position, out, at);
      copied = position;
      if ((insert & Insert.Yield) !== 0) {
        at = put(sequence.yield, out, at);
        continue;
      }
      at = put(sequence.slotHead, out, at);
      at = writeSigned(out, at, position - codeStart);
      at = put(sequence.slotTail, out, at);
      if ((insert & Insert.Top) !== 0) at = put(sequence.top, out, at);
      if ((insert & Insert.Return) !== 0) {
        const after = skipLeb(bytes, position + 1);
        runs.add(at - start, position - codeStart, after - position);
        out[at] = Opcode.Call;
        at = copyRange(bytes, position + 1, after, out, at + 1);
        out[at++] = Opcode.Return;
        copied = after;
      }
    }
  }
  runs.add(at - start, copied - codeStart, module.codeEnd - copied);
  at = copyRange(bytes, copied, module.codeEnd, out, at);
  for (const thunk of thunks) {
    at = writeUnsigned(out, at, thunk.length);
    at = put(thunk, out, at);
  }
  return runs.take();
}

/**
 * Body of a thunk around `target`: notes that the host comes in here, below what was there before, and puts `top`
 * back afterwards, so that entries nest. An exception passes without that; the host resets `top` then.
 */
export function thunkBody(target: number, parameters: number, addresses: SlotAddresses): Uint8Array {
  const { top } = addresses;
  const saved = parameters;
  const slot = parameters + 1;
  const code = new CodeWriter();
  // One group of two i32 locals.
  code.byte(1);
  code.byte(2);
  code.byte(I32);
  code.loadTop(top);
  code.local(Opcode.LocalTee, saved);
  code.clamp(slot, addresses);
  code.local(Opcode.LocalTee, slot);
  code.byte(Opcode.I64Const);
  code.signed(SITE_HOST_PENDING);
  code.storeSlot();
  code.storeTop(top, () => code.local(Opcode.LocalGet, slot));
  for (let parameter = 0; parameter < parameters; parameter += 1) code.local(Opcode.LocalGet, parameter);
  code.local(Opcode.Call, target);
  code.storeTop(top, () => code.local(Opcode.LocalGet, saved));
  code.byte(Opcode.End);
  return code.take();
}

/** True for the body of a thunk that an earlier run of this pass has written, whatever it calls. */
export function isThunk(body: Uint8Array, parameters: number, addresses: SlotAddresses): boolean {
  const thunk = thunkBody(0, parameters, addresses);
  let same = 0;
  while (same < thunk.length && thunk[same] === body[same]) same += 1;
  if (same === thunk.length) return body.length === same;
  // What differs is the index of the function that it calls: the single 0 here.
  const rest = thunk.subarray(same + 1);
  const tail = body.subarray(body.length - rest.length);
  return body.length >= thunk.length && rest.every((byte, at) => byte === tail[at]);
}
