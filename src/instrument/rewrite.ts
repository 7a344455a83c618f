// Writes the code section with slots. The size of every body is computed from the plan before a byte is written,
// so the output has its exact size and nothing is moved twice. Between insertions the original bytes are copied.
//
// Registers of the scheme: `top` (a u32 in memory) is the address of the innermost written slot; the new local
// `fp` is the address of this activation's slot. On entry
//     fp = min_u(top + 8, LAST)
// and before a recorded call, with nothing after it,
//     i64.store(fp, site)      site in the low half, node = 0 in the high half
//     i32.store(top, fp)
// The pushes and pops of an insertion balance, so blocks, types and labels stay as they are.

import {
  Opcode,
  signedLength,
  skipLeb,
  unsignedLength,
  type WasmModule,
  writeSigned,
  writeUnsigned,
} from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { RUNTIME_TOP, SHADOW_SLOTS, SITE_HOST_PENDING, SLOT_SIZE } from '../heap/layout.ts';
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

/** Addresses as the i32 that i32.const takes. */
const asI32 = (address: number): number => address | 0;

function entryLength(addresses: SlotAddresses, local: number): number {
  // load top: 5 opcode and fixed bytes; + 8: 3; tee, get, set: 3; LAST twice: 2; lt_u, select: 2
  return (
    4 +
    unsignedLength(addresses.top) +
    3 +
    3 * (1 + unsignedLength(local)) +
    2 * (1 + signedLength(asI32(addresses.last))) +
    2
  );
}

/** Bytes of a store of `fp` to `top`. */
function topLength(addresses: SlotAddresses, local: number): number {
  return 2 + 1 + unsignedLength(local) + 2 + unsignedLength(addresses.top);
}

function slotLength(local: number, site: number): number {
  return 1 + unsignedLength(local) + 1 + signedLength(site) + 3;
}

/** Decides the insertions. Throws UnsupportedModuleError for functions that would exceed what engines allow. */
export function planRewrite(
  module: WasmModule,
  sites: CallSites,
  graph: CallGraph,
  addresses: SlotAddresses,
): RewritePlan {
  const inserts = new Uint8Array(sites.count);
  const lengths = new Uint32Array(module.bodies.length);
  let recordedCalls = 0;
  let instrumentedFunctions = 0;
  for (let body = 0; body < module.bodies.length; body += 1) {
    const index = module.importedFunctions + body;
    if (graph.instrumented[index] === 0) continue;
    const local = sites.locals[body]!;
    const slotBytes = slotLength(local, 0) - 1;
    const topBytes = topLength(addresses, local);
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
        inserted += topBytes + 3;
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
      end -
      start +
      inserted +
      entryLength(addresses, local) +
      2 +
      unsignedLength(groups.count + 1) -
      groups.width;
    if (length > MAXIMUM_BODY) {
      throw new UnsupportedModuleError(
        `function ${index} would grow to ${length} bytes with slots; engines allow ${MAXIMUM_BODY}`,
      );
    }
    lengths[body] = length;
    recordedCalls += recorded;
    instrumentedFunctions += 1;
  }
  return { inserts, lengths, recordedCalls, instrumentedFunctions };
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
const SHORT_COPY = 48;

/** Writes the payload of the new code section to `out` at `start`; returns the runs it copied. */
export function writeCode(
  module: WasmModule,
  sites: CallSites,
  plan: RewritePlan,
  addresses: SlotAddresses,
  thunks: readonly Uint8Array[],
  out: Uint8Array,
  start: number,
): CodeRuns {
  const { bytes, codeStart } = module;
  const runs = new RunRecorder(plan.recordedCalls * 2 + 3 * plan.instrumentedFunctions + 1);
  const top = addresses.top;
  const last = asI32(addresses.last);
  let at = start;
  let runEnd = -1;

  const copy = (from: number, to: number): void => {
    const length = to - from;
    if (length === 0) return;
    if (runEnd === from && runs.instrumented[runs.count - 1]! + runs.length[runs.count - 1]! === at - start) {
      runs.length[runs.count - 1]! += length;
    } else {
      runs.instrumented[runs.count] = at - start;
      runs.original[runs.count] = from - codeStart;
      runs.length[runs.count] = length;
      runs.count += 1;
    }
    runEnd = to;
    if (length < SHORT_COPY) for (let source = from; source < to; ) out[at++] = bytes[source++]!;
    else {
      out.set(bytes.subarray(from, to), at);
      at += length;
    }
  };
  const index = (opcode: number, value: number): void => {
    out[at++] = opcode;
    if (value < 0x80) out[at++] = value;
    else at = writeUnsigned(out, at, value);
  };
  const storeTop = (): void => {
    out[at++] = Opcode.I32Store;
    out[at++] = 2;
    at = writeUnsigned(out, at, top);
  };

  at = writeUnsigned(out, at, module.bodies.length + thunks.length);
  let previous = skipLeb(bytes, codeStart);
  for (let body = 0; body < module.bodies.length; body += 1) {
    const { start: bodyStart, end } = module.bodies[body]!;
    const length = plan.lengths[body]!;
    if (length === 0) {
      copy(previous, end);
      previous = end;
      continue;
    }
    const local = sites.locals[body]!;
    at = writeUnsigned(out, at, length);
    const groups = localGroups(bytes, bodyStart);
    at = writeUnsigned(out, at, groups.count + 1);
    copy(bodyStart + groups.width, sites.code[body]!);
    out[at++] = 1;
    out[at++] = I32;

    out[at++] = Opcode.I32Const;
    out[at++] = 0;
    out[at++] = Opcode.I32Load;
    out[at++] = 2;
    at = writeUnsigned(out, at, top);
    out[at++] = Opcode.I32Const;
    out[at++] = SLOT_SIZE;
    out[at++] = Opcode.I32Add;
    index(Opcode.LocalTee, local);
    out[at++] = Opcode.I32Const;
    at = writeSigned(out, at, last);
    index(Opcode.LocalGet, local);
    out[at++] = Opcode.I32Const;
    at = writeSigned(out, at, last);
    out[at++] = Opcode.I32LtU;
    out[at++] = Opcode.Select;
    index(Opcode.LocalSet, local);

    previous = sites.code[body]!;
    for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) {
      const insert = plan.inserts[site]!;
      if (insert === 0) continue;
      const position = sites.position[site]!;
      copy(previous, position);
      previous = position;
      if ((insert & Insert.Yield) !== 0) {
        out[at++] = Opcode.I32Const;
        out[at++] = 0;
        index(Opcode.LocalGet, local);
        out[at++] = Opcode.I32Const;
        out[at++] = SLOT_SIZE;
        out[at++] = Opcode.I32Sub;
        storeTop();
        continue;
      }
      index(Opcode.LocalGet, local);
      out[at++] = Opcode.I64Const;
      at = writeSigned(out, at, position - codeStart);
      out[at++] = Opcode.I64Store;
      out[at++] = 3;
      out[at++] = 0;
      if ((insert & Insert.Top) !== 0) {
        out[at++] = Opcode.I32Const;
        out[at++] = 0;
        index(Opcode.LocalGet, local);
        storeTop();
      }
      if ((insert & Insert.Return) !== 0) {
        const opcode = at;
        previous = skipLeb(bytes, position + 1);
        copy(position, previous);
        out[opcode] = Opcode.Call;
        out[at++] = Opcode.Return;
      }
    }
    copy(previous, end);
    previous = end;
  }
  for (const thunk of thunks) {
    at = writeUnsigned(out, at, thunk.length);
    out.set(thunk, at);
    at += thunk.length;
  }
  return runs.take();
}

/**
 * Body of a thunk around `target`: notes that the host comes in here, below what was there before, and puts `top`
 * back afterwards, so that entries nest. An exception passes without that; the host resets `top` then.
 */
export function thunkBody(target: number, parameters: number, addresses: SlotAddresses): Uint8Array {
  const { top } = addresses;
  const last = asI32(addresses.last);
  const saved = parameters;
  const slot = parameters + 1;
  const code: number[] = [1, 2, I32];
  const unsigned = (value: number): void => {
    const encoded = new Uint8Array(10);
    code.push(...encoded.subarray(0, writeUnsigned(encoded, 0, value)));
  };
  const signed = (value: number): void => {
    const encoded = new Uint8Array(10);
    code.push(...encoded.subarray(0, writeSigned(encoded, 0, value)));
  };
  const index = (opcode: number, value: number): void => {
    code.push(opcode);
    unsigned(value);
  };
  const constant = (value: number): void => {
    code.push(Opcode.I32Const);
    signed(value);
  };
  const storeTop = (local: number): void => {
    constant(0);
    index(Opcode.LocalGet, local);
    code.push(Opcode.I32Store, 2);
    unsigned(top);
  };
  constant(0);
  code.push(Opcode.I32Load, 2);
  unsigned(top);
  index(Opcode.LocalTee, saved);
  constant(SLOT_SIZE);
  code.push(Opcode.I32Add);
  index(Opcode.LocalTee, slot);
  constant(last);
  index(Opcode.LocalGet, slot);
  constant(last);
  code.push(Opcode.I32LtU, Opcode.Select);
  index(Opcode.LocalTee, slot);
  code.push(Opcode.I64Const);
  signed(SITE_HOST_PENDING);
  code.push(Opcode.I64Store, 3, 0);
  storeTop(slot);
  for (let parameter = 0; parameter < parameters; parameter += 1) index(Opcode.LocalGet, parameter);
  index(Opcode.Call, target);
  storeTop(saved);
  code.push(Opcode.End);
  return Uint8Array.from(code);
}
