// The code of a check: it looks at the shadow of the bytes and has each access judged by itself when the shadow is not 0
// (csrc/access.c).
//
//     local.tee ADDRESS
//     if (load(SHADOW + ((local.get ADDRESS + from) >> 3)) != 0)    unlikely
//       judge(local.get ADDRESS + …, site)    judge-functions.ts
//
// One check may cover several accesses whose addresses differ by constants. One call judges up to three of them: a number
// says what they are (access-list.ts). A check may also have several parts with addresses of their own. Then it combines
// what their shadows have, and when this is not 0, the accesses of all parts are judged.

import { type InstructionWriter, Opcode } from '../binary/index.ts';
import type { CodeEdits } from '../rewrite/index.ts';
import { SHADOW_GRANULE, SHADOW_SHIFT } from '../runtime/layout.ts';
import { type CheckedAccess, divideAccesses, listOf } from './access-list.ts';
import type { JudgeFunctions } from './judge-functions.ts';

/** The block type of a block without results. */
const EMPTY = 0x40;
const I32_LOAD16_U = 0x2f;
/** What loads the shadow of one granule, and of two. */
const NARROW_LOADS: Readonly<Record<number, number>> = { 1: Opcode.I32Load8U, 2: I32_LOAD16_U };

/** The bytes that a check covers, in offsets from the address in the local. */
export interface Window {
  readonly from: number;
  readonly to: number;
  /** The first byte is at a multiple of this: 1, 2, 4 or 8. */
  readonly alignment: number;
  /** Whether the check is in a loop, where speed matters more than the length of the code. */
  readonly inLoop: boolean;
}

/** Accesses of one check that one load of the shadow covers. */
export interface CheckedPart {
  /** A local that has an address. */
  readonly local: number;
  readonly window: Window;
  readonly accesses: readonly CheckedAccess[];
}

/** Indices of the runtime's functions in the module, and where the shadow begins and how large it is. */
export interface CheckFunctions {
  /** What judges single accesses. */
  readonly judges: JudgeFunctions;
  /** heapline_access_range and heapline_access_string. */
  readonly range: number;
  readonly string: number;
  readonly shadow: number;
  readonly shadowBytes: number;
}

/** The most granules that one load of the shadow covers. */
export const MOST_GRANULES = 8;
/** The same in a check of several parts, whose shadows are combined as numbers of 32 bits. */
export const MOST_JOINED_GRANULES = 4;

/** How many granules the bytes may touch, whose first one is at a multiple of `alignment`. */
export function granulesIn(from: number, to: number, alignment: number): number {
  return Math.floor((to - from - 1 + SHADOW_GRANULE - alignment) / SHADOW_GRANULE) + 1;
}

function pushAddress(code: InstructionWriter, local: number, offset: number): void {
  code.indexed(Opcode.LocalGet, local);
  if (offset === 0) return;
  code.i32(offset);
  code.byte(Opcode.I32Add);
}

/** Loads the shadow from the first granule of the window on. */
function loadShadow(
  code: InstructionWriter,
  local: number,
  { from }: Window,
  shadow: number,
  opcode: number,
): void {
  // Whole granules from the address on can be added to the address of the shadow.
  const whole = from >= 0 && from % SHADOW_GRANULE === 0;
  pushAddress(code, local, whole ? 0 : from);
  code.i32(SHADOW_SHIFT);
  code.byte(Opcode.I32ShrU);
  code.memory(opcode, 0, whole ? shadow + from / SHADOW_GRANULE : shadow);
}

/** Masks that change nothing of one byte, and of two. As negative numbers they do not fit into 16 bits. */
const WIDER_THAN_ONE = -257;
const WIDER_THAN_TWO = -65537;

/**
 * Changes a shadow that an `if` tests next. When the tested number is a load as it stands, the V8 of Node.js 26 loads twice:
 * once into a register that nobody reads, and once for the comparison. It cannot compare the results of these instructions
 * with memory, and each of them is 0 where the shadow is: no value of the shadow is 0x80. V8 tests with a positive mask below
 * 65,536 by an instruction whose length Intel's processors find slowly ("Optimization Reference Manual", length-changing
 * prefixes). Code becomes longer.
 */
function keepFromFolding(code: InstructionWriter, granules: number): void {
  if (granules <= 2) {
    code.i32(granules === 1 ? WIDER_THAN_ONE : WIDER_THAN_TWO);
    code.byte(Opcode.I32And);
  } else if (granules === 4) {
    code.i32(1);
    code.byte(Opcode.I32Shl);
  } else if (granules === MOST_GRANULES) {
    code.i64(1);
    code.byte(Opcode.I64Shl);
  }
}

/** Pushes a number that is not 0 when the shadow of a part is not. @param isAlone whether an `if` tests it next */
function pushShadow(
  code: InstructionWriter,
  { local, window }: CheckedPart,
  isAlone: boolean,
  shadow: number,
): void {
  const granules = granulesIn(window.from, window.to, window.alignment);
  const wide = granules > 4;
  loadShadow(code, local, window, shadow, wide ? Opcode.I64Load : (NARROW_LOADS[granules] ?? Opcode.I32Load));
  // Drops the bytes behind the last granule.
  if (granules === 3) {
    code.i32(8);
    code.byte(Opcode.I32Shl);
  } else if (wide && granules < MOST_GRANULES) {
    code.i64(8 * (MOST_GRANULES - granules));
    code.byte(Opcode.I64Shl);
  } else if (isAlone && window.inLoop) keepFromFolding(code, granules);
  if (wide) {
    code.byte(Opcode.I64Eqz);
    code.byte(Opcode.I32Eqz);
  }
}

function beginUnlikely(edits: CodeEdits): void {
  edits.hint(false);
  edits.code.byte(Opcode.If);
  edits.code.byte(EMPTY);
}

function callAccess(
  code: InstructionWriter,
  local: number,
  each: CheckedAccess,
  functions: CheckFunctions,
): void {
  const { judge, added } = functions.judges.of(each);
  pushAddress(code, local, each.offset - added);
  code.i32(each.site);
  code.indexed(Opcode.Call, judge);
}

function callList(
  code: InstructionWriter,
  local: number,
  accesses: readonly CheckedAccess[],
  functions: CheckFunctions,
): void {
  const { from, site, members } = listOf(accesses);
  pushAddress(code, local, from);
  code.i32(site);
  code.i64(members);
  code.indexed(Opcode.Call, functions.judges.ofList());
}

/** Writes a check to the edit that was begun last. */
export function writeCheck(edits: CodeEdits, parts: readonly CheckedPart[], functions: CheckFunctions): void {
  const { code } = edits;
  const isAlone = parts.length === 1;
  for (let index = 0; index < parts.length; index += 1) {
    pushShadow(code, parts[index]!, isAlone, functions.shadow);
    if (index > 0) code.byte(Opcode.I32Or);
  }
  beginUnlikely(edits);
  for (const { local, accesses } of parts) {
    for (const part of divideAccesses(accesses)) {
      if (part.length === 1) callAccess(code, local, part[0]!, functions);
      else callList(code, local, part, functions);
    }
  }
  code.byte(Opcode.End);
}

/** Writes a call that judges an access whose address is nearly always bad, without looking at the shadow before. */
export function writeCall(
  { code }: CodeEdits,
  local: number,
  access: CheckedAccess,
  functions: CheckFunctions,
): void {
  callAccess(code, local, access, functions);
}
