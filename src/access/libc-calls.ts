// Functions of libc that read whole words, or move whole ranges. They are not checked inside: strlen may look at bytes
// behind its string that belong to nobody, and memcpy would be judged byte by byte. Calls of them lead to functions of
// our own instead, which judge the ranges that C allows them to touch and call the original. Only their names tell
// these functions from others.

import { ByteWriter, InstructionWriter, Opcode, type WasmModule } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { SHADOW_GRANULE, SHADOW_SHIFT } from '../runtime/layout.ts';
import { type CheckFunctions, MOST_GRANULES } from './check-code.ts';

const I32 = 0x7f;
const EMPTY = 0x40;
const I32_LT_S = 0x48;
const I32_GT_U = 0x4b;
const I64_NE = 0x52;
const I64_EXTEND_I32_U = 0xad;
/** So many bytes touch at most MOST_GRANULES granules, wherever they begin. */
const FEW_BYTES = (MOST_GRANULES - 1) * SHADOW_GRANULE + 1;
/** Those of a function here: the result, and what judging takes. */
const LOCALS = 4;

/** Which bytes a function touches: parameters by their index, from 0 on. */
type Touches =
  /** Writes to the first and reads from the second as many bytes as the third says. */
  | 'copy'
  /** Writes to the first as many bytes as the third says. */
  | 'fill'
  /** Reads the string at the first. */
  | 'length'
  /** Reads the first up to the result or, when that is 0, as many bytes as the third says. */
  | 'find'
  /** Reads the first up to the result. */
  | 'find-or-end'
  /** Writes the string at the second to the first. */
  | 'copy-string'
  /** Writes to the first as many bytes as the third says, and reads the string at the second up to so many. */
  | 'copy-part'
  /** Reads from the first as many bytes as the third says: from the last one on. */
  | 'find-last'
  /** Copies the second to the first up to the result or, when that is 0, as many bytes as the fourth says. */
  | 'copy-until'
  /**
   * Reads the string at the second, as long as the result says. Writes it to the first, at most as many bytes as the third
   * says.
   */
  | 'copy-limited'
  /** Reads the word at the first. */
  | 'load';

/** Parameters of such functions; all others have three. */
const PARAMETERS: Partial<Readonly<Record<Touches, number>>> = {
  length: 1,
  'copy-string': 2,
  'find-or-end': 2,
  'copy-until': 4,
  load: 1,
};

/** The functions by their names in the C libraries. */
const TOUCHES: Readonly<Record<string, Touches>> = {
  memcpy: 'copy',
  memmove: 'copy',
  mempcpy: 'copy',
  __memcpy: 'copy',
  memset: 'fill',
  __memset: 'fill',
  strlen: 'length',
  memchr: 'find',
  strchrnul: 'find-or-end',
  __strchrnul: 'find-or-end',
  strcpy: 'copy-string',
  stpcpy: 'copy-string',
  __stpcpy: 'copy-string',
  strncpy: 'copy-part',
  stpncpy: 'copy-part',
  __stpncpy: 'copy-part',
  memrchr: 'find-last',
  __memrchr: 'find-last',
  memccpy: 'copy-until',
  strlcpy: 'copy-limited',
};

/** All that are judged at their calls. */
const JUDGED: ReadonlyMap<string, Touches> = new Map([
  ...Object.entries(TOUCHES),
  // clang calls it to read the number of elements before an array of C++, where variables have room around them.
  ['__asan_load_cxx_array_cookie', 'load'],
]);
const WORD = 4;

/** Further functions that are not checked inside, because they are parts of those above. */
const UNCHECKED: ReadonlySet<string> = new Set([
  ...JUDGED.keys(),
  'emscripten_memcpy',
  '_emscripten_memcpy_bulkmem',
  '_emscripten_memset_bulkmem',
  'emscripten_memcpy_bulkmem',
  'emscripten_memset_bulkmem',
]);

/** The functions of libc that are judged at their calls, for documentation and tests. */
export const RANGE_FUNCTIONS: readonly string[] = Object.keys(TOUCHES);

/** Whether a function of this name is not checked inside. */
export function isUnchecked(name: string): boolean {
  return UNCHECKED.has(name);
}

/** Parameters and results that a function must have: otherwise it is not the one of libc. */
function hasType(module: WasmModule, index: number, touches: Touches): boolean {
  const { parameters, results } = module.functionType(index);
  return (
    parameters.length === (PARAMETERS[touches] ?? 3) &&
    results.length === 1 &&
    [...parameters, ...results].every(({ code }) => code === I32)
  );
}

/** Adds the functions to call instead; returns their indices by those of the originals. */
export function addRangeFunctions(
  rewriter: Rewriter,
  names: ReadonlyMap<number, string>,
  functions: CheckFunctions,
): Map<number, number> {
  const { module } = rewriter;
  const types = new Map<number, number>();
  const replaced = new Map<number, number>();
  for (const [index, name] of names) {
    const touches = JUDGED.get(name);
    if (touches === undefined || index >= module.functions.length || !hasType(module, index, touches))
      continue;
    const parameters = module.functionType(index).parameters.length;
    let type = types.get(parameters);
    if (type === undefined) {
      type = rewriter.addType(Array<number>(parameters + 1).fill(I32), [I32]);
      types.set(parameters, type);
    }
    replaced.set(
      index,
      rewriter.addFunction(type, new RangeFunction(functions, parameters).body(index, touches)),
    );
  }
  return replaced;
}

/**
 * Lets calls through function pointers lead to such functions, too: in the places of the table where the linker has put
 * the originals stand functions that call them. Their site is the first instruction of the original.
 */
export function redirectPointers(
  rewriter: Rewriter,
  replaced: ReadonlyMap<number, number>,
  siteOffset: number,
): void {
  const { module } = rewriter;
  const ofPointers = new Map<number, number>();
  const standIn = (original: number): number => {
    let found = ofPointers.get(original);
    if (found === undefined) {
      const { parameters, results } = module.functionType(original);
      const codes = (values: typeof parameters): number[] => values.map(({ code }) => code);
      const type = rewriter.addType(codes(parameters), codes(results));
      const site = module.heads.code[original - module.importedFunctions]! + siteOffset;
      found = rewriter.addFunction(type, passOn(replaced.get(original)!, parameters.length, site));
      ofPointers.set(original, found);
    }
    return found;
  };
  for (const { mode, table, offset, functions, count } of module.elements) {
    const start = offset?.i32 ?? null;
    if (mode !== 'active' || start === null || functions.length !== count) continue;
    functions.forEach((index, at) => {
      if (replaced.has(index)) rewriter.addElements(table, start + at, [standIn(index)]);
    });
  }
}

/** The body of a function that passes its parameters on, and the site behind them. */
function passOn(target: number, parameters: number, site: number): Uint8Array {
  const code = new InstructionWriter();
  for (let parameter = 0; parameter < parameters; parameter += 1) code.indexed(Opcode.LocalGet, parameter);
  code.i32(site);
  code.indexed(Opcode.Call, target);
  code.byte(Opcode.End);
  const body = new ByteWriter();
  body.byte(0); // No locals.
  body.copy(code.take());
  return body.take();
}

/** Writes one such function. Its last parameter is the site. */
class RangeFunction {
  readonly #code = new InstructionWriter();
  readonly #site: number;
  readonly #result: number;
  readonly #length: number;
  readonly #last: number;
  readonly #open: number;

  constructor(
    readonly functions: CheckFunctions,
    readonly parameters: number,
  ) {
    this.#site = parameters;
    this.#result = parameters + 1;
    this.#length = parameters + 2;
    this.#last = parameters + 3;
    this.#open = parameters + 4;
  }

  body(original: number, touches: Touches): Uint8Array {
    this.#before(touches);
    for (let parameter = 0; parameter < this.parameters; parameter += 1) this.#get(parameter);
    this.#code.indexed(Opcode.Call, original);
    this.#code.indexed(Opcode.LocalSet, this.#result);
    this.#after(touches);
    this.#get(this.#result);
    this.#code.byte(Opcode.End);
    const body = new ByteWriter();
    // One group of locals.
    for (const byte of [1, LOCALS, I32]) body.byte(byte);
    body.copy(this.#code.take());
    return body.take();
  }

  #before(touches: Touches): void {
    if (touches === 'copy') this.#judge(1, () => this.#get(2), false);
    if (touches === 'copy' || touches === 'fill' || touches === 'copy-part') {
      this.#judge(0, () => this.#get(2), true);
    }
    if (touches === 'find-last') this.#judge(0, () => this.#get(2), false);
    if (touches === 'copy-part') {
      this.#string(() => this.#get(2));
      this.#code.byte(0x1a); // drop
    }
    if (touches === 'load') this.#judge(0, () => this.#code.i32(WORD), false);
    if (touches === 'copy-string') this.#judge(0, () => this.#string(() => this.#code.i32(-1)), true);
  }

  #after(touches: Touches): void {
    const upToResult = (): void => {
      this.#get(this.#result);
      this.#get(0);
      this.#code.byte(Opcode.I32Sub);
      this.#code.i32(1);
      this.#code.byte(Opcode.I32Add);
    };
    // The length that the result says, and the zero byte behind it.
    const withEnd = (): void => {
      this.#get(this.#result);
      this.#code.i32(1);
      this.#code.byte(Opcode.I32Add);
    };
    if (touches === 'copy-until') {
      const copied = (): void => this.#upToResultOr(3);
      this.#judge(1, copied, false);
      this.#judge(0, copied, true);
    } else if (touches === 'copy-limited') {
      this.#judge(1, withEnd, false);
      this.#judge(0, () => this.#smaller(withEnd, 2), true);
    } else if (touches === 'length') this.#judge(0, withEnd, false);
    else if (touches === 'find-or-end') this.#judge(0, upToResult, false);
    else if (touches === 'find') {
      this.#get(this.#result);
      this.#code.byte(Opcode.I32Eqz);
      this.#code.byte(Opcode.If);
      this.#code.byte(EMPTY);
      this.#judge(0, () => this.#get(2), false);
      this.#code.byte(Opcode.Else);
      this.#judge(0, upToResult, false);
      this.#code.byte(Opcode.End);
    }
  }

  /** Pushes how many bytes lie between the first parameter and the result; what a parameter says when that is 0. */
  #upToResultOr(parameter: number): void {
    this.#get(this.#result);
    this.#get(0);
    this.#code.byte(Opcode.I32Sub);
    this.#get(parameter);
    this.#get(this.#result);
    this.#code.byte(Opcode.Select);
  }

  /** Pushes the smaller one of two numbers without signs. */
  #smaller(push: () => void, parameter: number): void {
    push();
    this.#get(parameter);
    push();
    this.#get(parameter);
    this.#code.byte(Opcode.I32LtU);
    this.#code.byte(Opcode.Select);
  }

  #get(local: number): void {
    this.#code.indexed(Opcode.LocalGet, local);
  }

  /** Judges as many bytes as `pushLength` says, from the address in a parameter on. */
  #judge(parameter: number, pushLength: () => void, writes: boolean): void {
    const code = this.#code;
    pushLength();
    code.indexed(Opcode.LocalSet, this.#length);
    code.byte(Opcode.Block);
    code.byte(EMPTY);
    code.byte(Opcode.Block);
    code.byte(EMPTY);
    this.#leaveIfOpen(parameter);
    code.byte(Opcode.End);
    this.#get(parameter);
    this.#get(this.#length);
    code.i32(writes ? 1 : 0);
    this.#get(this.#site);
    code.indexed(Opcode.Call, this.functions.range);
    code.byte(Opcode.End);
  }

  /**
   * Leaves the second block around when few bytes are to be judged and all are open, and the first one when the runtime has
   * to look. Most calls are about a few bytes, and calls of the runtime would take longer than they do.
   */
  #leaveIfOpen(parameter: number): void {
    const code = this.#code;
    const { shadow, shadowBytes } = this.functions;
    const granuleOf = (local: number): void => {
      this.#get(local);
      code.i32(SHADOW_SHIFT);
      code.byte(Opcode.I32ShrU);
    };
    this.#get(this.#length);
    code.byte(Opcode.I32Eqz);
    code.indexed(Opcode.BrIf, 1);
    this.#get(this.#length);
    code.i32(FEW_BYTES);
    code.byte(I32_GT_U);
    code.indexed(Opcode.BrIf, 0);
    this.#get(parameter);
    code.i32((shadowBytes - 2 * MOST_GRANULES) * SHADOW_GRANULE);
    code.byte(I32_GT_U);
    code.indexed(Opcode.BrIf, 0);
    this.#get(parameter);
    this.#get(this.#length);
    code.byte(Opcode.I32Add);
    code.i32(1);
    code.byte(Opcode.I32Sub);
    code.indexed(Opcode.LocalSet, this.#last);
    // All granules before the last: their bytes of the shadow are shifted to the top, one by itself because a shift by 64
    // bits would be none.
    granuleOf(parameter);
    code.memory(Opcode.I64Load, 0, shadow);
    code.i64(8);
    code.byte(Opcode.I64Shl);
    code.i64(8 * (MOST_GRANULES - 1));
    granuleOf(this.#last);
    granuleOf(parameter);
    code.byte(Opcode.I32Sub);
    code.i32(3);
    code.byte(Opcode.I32Shl);
    code.byte(I64_EXTEND_I32_U);
    code.byte(Opcode.I64Sub);
    code.byte(Opcode.I64Shl);
    code.i64(0);
    code.byte(I64_NE);
    code.indexed(Opcode.BrIf, 0);
    granuleOf(this.#last);
    code.memory(Opcode.I32Load8S, 0, shadow);
    code.indexed(Opcode.LocalTee, this.#open);
    code.byte(Opcode.I32Eqz);
    code.indexed(Opcode.BrIf, 1);
    this.#get(this.#last);
    code.i32(SHADOW_GRANULE - 1);
    code.byte(Opcode.I32And);
    this.#get(this.#open);
    code.byte(I32_LT_S);
    code.indexed(Opcode.BrIf, 1);
  }

  /** Judges the string at the second parameter, and pushes how many of its bytes are read. */
  #string(pushMost: () => void): void {
    this.#get(1);
    pushMost();
    this.#get(this.#site);
    this.#code.indexed(Opcode.Call, this.functions.string);
  }
}
