// Operators delete of C++ that are given the size of the block. The operators of the library ignore it. Calls of them lead
// to functions of our own, which tell the runtime the size and call the original. The runtime compares it when the block is
// freed (csrc/operators.c).

import { ByteWriter, ExternalKind, InstructionWriter, Opcode } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';

const I32 = 0x7f;

/** Such operators as the Itanium ABI names them, and as linkers write them. */
const SIZED =
  /^(?:_Zd[la]Pv[jm](?:St11align_val_t)?|operator delete(?:\[\])?\(void\*, unsigned (?:long|int)(?:, std::align_val_t)?\))$/;
/** Parameters of an operator that is given an alignment, too. */
const ALIGNED = 3;

/** Adds the functions to call instead; returns their indices by those of the originals. */
export function addSizedDeletes(rewriter: Rewriter, names: ReadonlyMap<number, string>): Map<number, number> {
  const { module } = rewriter;
  const replaced = new Map<number, number>();
  // Older runtimes do not have it.
  const tell = module.export('heapline_sized_delete', ExternalKind.Function)?.index;
  if (tell === undefined) return replaced;
  for (const [index, name] of names) {
    if (!SIZED.test(name) || index < module.importedFunctions || index >= module.functions.length) continue;
    const { parameters, results } = module.functionType(index);
    const count = parameters.length;
    if (count < 2 || count > ALIGNED || results.length > 0 || parameters.some(({ code }) => code !== I32)) {
      continue;
    }
    // The last parameter is the site, which calls of such functions have.
    const type = rewriter.addType(Array<number>(count + 1).fill(I32), []);
    replaced.set(index, rewriter.addFunction(type, bodyOf(index, count, tell)));
  }
  return replaced;
}

function bodyOf(original: number, parameters: number, tell: number): Uint8Array {
  const code = new InstructionWriter();
  const pass = (count: number): void => {
    for (let parameter = 0; parameter < count; parameter += 1) code.indexed(Opcode.LocalGet, parameter);
  };
  pass(parameters);
  if (parameters < ALIGNED) code.i32(1);
  code.indexed(Opcode.Call, tell);
  pass(parameters);
  code.indexed(Opcode.Call, original);
  for (const none of [0, 0, 1]) code.i32(none);
  code.indexed(Opcode.Call, tell);
  code.byte(Opcode.End);
  const body = new ByteWriter();
  body.byte(0); // no locals
  body.copy(code.take());
  return body.take();
}
