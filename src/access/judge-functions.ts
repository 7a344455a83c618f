// Functions that a check calls when the shadow of its access is not 0: one for each size and direction, with the address
// and the site as parameters. So the call is short, which matters because there are as many calls as checks. Most such
// accesses are right, because they end in the last granule of a block, which is open in part. The function sees this by
// itself and asks the runtime about the others.
//
//     open = load_signed(SHADOW + (ADDRESS >> 3))       0 says that the whole granule is open
//     if ((ADDRESS & 7) + size > (open == 0 ? 8 : open))
//       heapline_access(ADDRESS, size and direction, SITE)
//
// A check of several pointers has all of them judged, and the shadow of most is 0. For offsets that are frequent there are
// functions that add them to the address. One more function judges each access of a list (access-list.ts).

import { InstructionWriter, Opcode } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { SHADOW_GRANULE, SHADOW_SHIFT } from '../runtime/layout.ts';
import { type CheckedAccess, MEMBER_BITS, MOST_DELTA, MOST_OFFSET, Place } from './access-list.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const EMPTY = 0x40;
const I64_SHR_U = 0x88;
const ADDRESS = 0;
const SITE = 1;
/** Of the functions for single accesses. */
const OPEN = 2;

/** What such functions call, and where the shadow begins. */
export interface Judge {
  /** Index of heapline_access. */
  readonly access: number;
  readonly shadow: number;
}

/** A function that judges single accesses, and what it adds to the address. */
export interface SingleJudge {
  readonly judge: number;
  readonly added: number;
}

/** More than all kinds: sizes, doubled, plus 1. */
const KINDS = 64;
/** Offsets up to here may get functions of their own, when they are used more often than this. */
const MOST_ADDED = 4096;
const FREQUENT = 16;

/** Adds these functions to a module when they are first needed. */
export class JudgeFunctions {
  readonly #functions = new Map<number, number>();
  /** How often each kind of access was asked for at each offset. */
  readonly #uses = new Map<number, number>();
  #type: number | null = null;
  #list: number | null = null;

  constructor(
    readonly rewriter: Rewriter,
    readonly judge: Judge,
  ) {}

  /** The function for an access. */
  of({ size, writes, offset }: CheckedAccess): SingleJudge {
    const kind = size * 2 + (writes ? 1 : 0);
    const added = this.#isFrequent(kind, offset) ? offset : 0;
    const key = added * KINDS + kind;
    let judge = this.#functions.get(key);
    if (judge === undefined) {
      this.#type ??= this.rewriter.addType([I32, I32], []);
      judge = this.rewriter.addFunction(this.#type, bodyFor(size, kind, added, this.judge));
      this.#functions.set(key, judge);
    }
    return { judge, added };
  }

  /** Whether a function that adds this offset saves more bytes than it has. */
  #isFrequent(kind: number, offset: number): boolean {
    if (offset <= 0 || offset > MOST_ADDED) return false;
    const key = offset * KINDS + kind;
    const uses = (this.#uses.get(key) ?? 0) + 1;
    this.#uses.set(key, uses);
    return uses > FREQUENT;
  }

  /** Index of the function for lists. It takes an address, a site and the members. */
  ofList(): number {
    if (this.#list === null) {
      const type = this.rewriter.addType([I32, I32, I64], []);
      this.#list = this.rewriter.addFunction(type, bodyForLists(this.judge));
    }
    return this.#list;
  }
}

/** Where a function keeps an access that it judges, and how it pushes the size. */
interface Judged {
  readonly address: number;
  readonly pushSize: () => void;
  /** A local for the shadow of the first granule. */
  readonly open: number;
}

/** Pushes whether an access is not surely right: whether it ends behind what is open of its first granule. */
function pushDoubt(code: InstructionWriter, { address, pushSize, open }: Judged, shadow: number): void {
  code.indexed(Opcode.LocalGet, address);
  code.i32(SHADOW_GRANULE - 1);
  code.byte(Opcode.I32And);
  pushSize();
  code.byte(Opcode.I32Add);
  code.indexed(Opcode.LocalGet, address);
  code.i32(SHADOW_SHIFT);
  code.byte(Opcode.I32ShrU);
  code.memory(Opcode.I32Load8S, 0, shadow);
  code.indexed(Opcode.LocalTee, open);
  // 0 says that the whole granule is open.
  code.i32(SHADOW_GRANULE);
  code.indexed(Opcode.LocalGet, open);
  code.byte(Opcode.Select);
  code.byte(Opcode.I32GtS);
}

function bodyFor(size: number, kind: number, added: number, { access, shadow }: Judge): Uint8Array {
  const code = new InstructionWriter();
  code.byte(1); // one group of locals
  code.byte(1);
  code.byte(I32);
  if (added > 0) {
    code.indexed(Opcode.LocalGet, ADDRESS);
    code.i32(added);
    code.byte(Opcode.I32Add);
    code.indexed(Opcode.LocalSet, ADDRESS);
  }
  pushDoubt(code, { address: ADDRESS, pushSize: () => code.i32(size), open: OPEN }, shadow);
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

/** Parameters and locals of the function for lists, behind ADDRESS and SITE. */
const MEMBERS = 2;
const MEMBER = 3;
const PLACE = 4;
const SIZE = 5;
const SHADOW = 6;

/** Writes the code that takes one member of a list apart: its bits, address, site and size are in locals then. */
function takeApart(code: InstructionWriter): void {
  const bits = (from: number, mask: number): void => {
    code.indexed(Opcode.LocalGet, MEMBER);
    if (from > 0) {
      code.i32(from);
      code.byte(Opcode.I32ShrU);
    }
    code.i32(mask);
    code.byte(Opcode.I32And);
  };
  code.indexed(Opcode.LocalGet, MEMBERS);
  code.byte(Opcode.I32WrapI64);
  code.indexed(Opcode.LocalSet, MEMBER);
  code.indexed(Opcode.LocalGet, ADDRESS);
  bits(Place.Offset, MOST_OFFSET);
  code.byte(Opcode.I32Add);
  code.indexed(Opcode.LocalSet, PLACE);
  code.indexed(Opcode.LocalGet, SITE);
  bits(Place.Delta, MOST_DELTA);
  code.byte(Opcode.I32Add);
  code.indexed(Opcode.LocalSet, SITE);
  code.i32(1);
  bits(Place.Exponent, 7);
  code.byte(Opcode.I32Shl);
  code.indexed(Opcode.LocalSet, SIZE);
}

function bodyForLists({ access, shadow }: Judge): Uint8Array {
  const code = new InstructionWriter();
  code.byte(1); // one group of locals
  code.byte(SHADOW - MEMBERS);
  code.byte(I32);
  code.byte(Opcode.Loop);
  code.byte(EMPTY);
  takeApart(code);
  const pushSize = (): void => code.indexed(Opcode.LocalGet, SIZE);
  pushDoubt(code, { address: PLACE, pushSize, open: SHADOW }, shadow);
  code.byte(Opcode.If);
  code.byte(EMPTY);
  code.indexed(Opcode.LocalGet, PLACE);
  // The size, doubled, and 1 when the member writes.
  code.indexed(Opcode.LocalGet, SIZE);
  code.i32(1);
  code.byte(Opcode.I32Shl);
  code.indexed(Opcode.LocalGet, MEMBER);
  code.i32(Place.Writes);
  code.byte(Opcode.I32ShrU);
  code.i32(1);
  code.byte(Opcode.I32And);
  code.byte(Opcode.I32Or);
  code.indexed(Opcode.LocalGet, SITE);
  code.indexed(Opcode.Call, access);
  code.byte(Opcode.End);
  code.indexed(Opcode.LocalGet, MEMBERS);
  code.i64(MEMBER_BITS);
  code.byte(I64_SHR_U);
  code.indexed(Opcode.LocalTee, MEMBERS);
  code.byte(Opcode.I64Eqz);
  code.byte(Opcode.I32Eqz);
  code.byte(Opcode.BrIf);
  code.unsigned(0);
  code.byte(Opcode.End);
  code.byte(Opcode.End);
  return code.take();
}
