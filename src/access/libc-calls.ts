// Functions of libc that read whole words, or move whole ranges. They are not checked inside: strlen may look at bytes
// behind its string that belong to nobody, and memcpy would be judged byte by byte. Calls of them lead to functions of
// our own instead, which judge the ranges that C allows them to touch and call the original. Only their names tell
// these functions from others.

import { ByteWriter, InstructionWriter, Opcode, type WasmModule } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import type { CheckFunctions } from './check-code.ts';

const I32 = 0x7f;
const EMPTY = 0x40;
const I32_EQZ = 0x45;

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
  | 'copy-part';

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
};

/** Further functions that are not checked inside, because they read whole words, or are parts of those above. */
const UNCHECKED: ReadonlySet<string> = new Set([
  ...Object.keys(TOUCHES),
  'memccpy',
  'strlcpy',
  '__memrchr',
  'memrchr',
  'emscripten_memcpy',
  '_emscripten_memcpy_bulkmem',
  '_emscripten_memset_bulkmem',
  'emscripten_memcpy_bulkmem',
  'emscripten_memset_bulkmem',
]);

/** The functions that are judged at their calls, for documentation and tests. */
export const RANGE_FUNCTIONS: readonly string[] = Object.keys(TOUCHES);

/** Whether a function of this name is not checked inside. */
export function isUnchecked(name: string): boolean {
  return UNCHECKED.has(name);
}

/** Parameters and results that a function must have: otherwise it is not the one of libc. */
function hasType(module: WasmModule, index: number, touches: Touches): boolean {
  const { parameters, results } = module.functionType(index);
  const wanted = touches === 'length' ? 1 : touches === 'copy-string' || touches === 'find-or-end' ? 2 : 3;
  return (
    parameters.length === wanted &&
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
    const touches = Object.hasOwn(TOUCHES, name) ? TOUCHES[name]! : undefined;
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

/** Writes one such function. Its last parameter is the site; one local has the result. */
class RangeFunction {
  readonly #code = new InstructionWriter();
  readonly #site: number;
  readonly #result: number;

  constructor(
    readonly functions: CheckFunctions,
    readonly parameters: number,
  ) {
    this.#site = parameters;
    this.#result = parameters + 1;
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
    // One group of one local.
    for (const byte of [1, 1, I32]) body.byte(byte);
    body.copy(this.#code.take());
    return body.take();
  }

  #before(touches: Touches): void {
    if (touches === 'copy') this.#judge(1, () => this.#get(2), false);
    if (touches === 'copy' || touches === 'fill' || touches === 'copy-part') {
      this.#judge(0, () => this.#get(2), true);
    }
    if (touches === 'copy-part') {
      this.#string(() => this.#get(2));
      this.#code.byte(0x1a); // drop
    }
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
    if (touches === 'length') {
      this.#judge(
        0,
        () => {
          this.#get(this.#result);
          this.#code.i32(1);
          this.#code.byte(Opcode.I32Add);
        },
        false,
      );
    } else if (touches === 'find-or-end') this.#judge(0, upToResult, false);
    else if (touches === 'find') {
      this.#get(this.#result);
      this.#code.byte(I32_EQZ);
      this.#code.byte(Opcode.If);
      this.#code.byte(EMPTY);
      this.#judge(0, () => this.#get(2), false);
      this.#code.byte(Opcode.Else);
      this.#judge(0, upToResult, false);
      this.#code.byte(Opcode.End);
    }
  }

  #get(local: number): void {
    this.#code.indexed(Opcode.LocalGet, local);
  }

  /** Judges as many bytes as `pushLength` says, from the address in a parameter on. */
  #judge(parameter: number, pushLength: () => void, writes: boolean): void {
    this.#get(parameter);
    pushLength();
    this.#code.i32(writes ? 1 : 0);
    this.#get(this.#site);
    this.#code.indexed(Opcode.Call, this.functions.range);
  }

  /** Judges the string at the second parameter, and pushes how many of its bytes are read. */
  #string(pushMost: () => void): void {
    this.#get(1);
    pushMost();
    this.#get(this.#site);
    this.#code.indexed(Opcode.Call, this.functions.string);
  }
}
