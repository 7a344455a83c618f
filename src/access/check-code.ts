// The code of a check: it looks at the shadow of the bytes and has each access judged by itself when the shadow is not 0
// (csrc/access.c).
//
//     local.tee ADDRESS
//     if (load(SHADOW + ((local.get ADDRESS + from) >> 3)) != 0)    unlikely
//       judge(local.get ADDRESS + …, site)    judge-functions.ts
//
// One check may cover several accesses whose addresses differ by constants. One call judges up to three of them: a number
// says what they are (access-list.ts).

import { type InstructionWriter, Opcode } from '../binary/index.ts';
import type { CodeEdits } from '../rewrite/index.ts';
import { SHADOW_GRANULE, SHADOW_SHIFT } from '../runtime/layout.ts';
import { type AccessList, type CheckedAccess, listAccesses } from './access-list.ts';
import type { JudgeFunctions } from './judge-functions.ts';

/** The block type of a block without results. */
const EMPTY = 0x40;
const I32_LOAD8_U = 0x2d;
const I32_LOAD16_U = 0x2f;
const I64_LOAD = 0x29;
const I32_AND = 0x71;
const I32_SHR_U = 0x76;
const I64_SHL = 0x86;
const I64_NE = 0x52;

/** The bytes that a check covers, in offsets from the address in the local. */
export interface Window {
  readonly from: number;
  readonly to: number;
  /** The first byte is at a multiple of this: 1, 2, 4 or 8. */
  readonly alignment: number;
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
  code.byte(I32_SHR_U);
  code.memory(opcode, 0, whole ? shadow + from / SHADOW_GRANULE : shadow);
}

/** Pushes a number that is not 0 when the shadow of the window is not. */
function pushShadow(code: InstructionWriter, local: number, window: Window, shadow: number): void {
  const granules = granulesIn(window.from, window.to, window.alignment);
  if (granules <= 4) {
    const load = granules === 1 ? I32_LOAD8_U : granules === 2 ? I32_LOAD16_U : Opcode.I32Load;
    loadShadow(code, local, window, shadow, load);
    if (granules !== 3) return;
    code.i32(0xffffff);
    code.byte(I32_AND);
    return;
  }
  loadShadow(code, local, window, shadow, I64_LOAD);
  if (granules < MOST_GRANULES) {
    // Drops the bytes behind the last granule.
    code.i64(8 * (MOST_GRANULES - granules));
    code.byte(I64_SHL);
  }
  code.i64(0);
  code.byte(I64_NE);
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
  { from, site, members }: AccessList,
  functions: CheckFunctions,
): void {
  pushAddress(code, local, from);
  code.i32(site);
  code.i64(members);
  code.indexed(Opcode.Call, functions.judges.ofList());
}

/** Writes the check of these accesses to the edit that was begun last. `local` has an address. */
export function writeCheck(
  edits: CodeEdits,
  local: number,
  window: Window,
  accesses: readonly CheckedAccess[],
  functions: CheckFunctions,
): void {
  const { code } = edits;
  pushShadow(code, local, window, functions.shadow);
  beginUnlikely(edits);
  for (const list of listAccesses(accesses)) {
    if (list.accesses.length === 1) callAccess(code, local, list.accesses[0]!, functions);
    else callList(code, local, list, functions);
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
