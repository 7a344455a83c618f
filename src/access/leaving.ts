// Frames that exceptions and longjmp leave. A function whose variables have redzones opens them when it returns, and clang
// has all frames opened where such a function throws or jumps itself. Code without redzones does not do so, and may leave
// frames that have them. So everything that leaves frames has all of them opened first: the instructions that throw, and
// the imports by which JavaScript throws for C++ and for longjmp.

import { ExternalKind, InstructionWriter, Opcode, type WasmModule } from '../binary/index.ts';
import type { ScannedCalls } from '../instrument/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { VARIABLES_MAY_END } from '../runtime/layout.ts';

const I32 = 0x7f;

/** Imports of Emscripten's JavaScript that throw. */
const THROWING: ReadonlySet<string> = new Set([
  ...['__cxa_throw', '__cxa_rethrow', '__cxa_rethrow_primary_exception', '__resumeException'],
  ...['_emscripten_throw_longjmp', 'emscripten_longjmp', 'emscripten_longjmp_jmpbuf', 'longjmp'],
]);

/** Whether an instruction throws. */
export function isThrow(opcode: number): boolean {
  return opcode === Opcode.Throw || opcode === Opcode.Rethrow || opcode === Opcode.ThrowRef;
}

/** Index of the function that opens frames; null in a module without such frames. */
export function openerOf(module: WasmModule, { sites, isDirect }: ScannedCalls): number | null {
  const opener = module.export('heapline_variables', ExternalKind.Function)?.index;
  if (opener === undefined) return null;
  // Only code with frames of this kind refers to what calls it.
  for (let site = 0; site < sites.count; site += 1) {
    if (isDirect(site) && sites.target[site] === opener) return opener;
  }
  return null;
}

/** Writes a call that opens all frames. */
export function writeOpening(code: InstructionWriter, opener: number): void {
  code.i32(VARIABLES_MAY_END);
  code.i32(0);
  code.i32(0);
  code.indexed(Opcode.Call, opener);
}

/** Adds the functions to call instead of imports that throw; returns their indices by those of the imports. */
export function addLeavingFunctions(rewriter: Rewriter, opener: number): Map<number, number> {
  const { module } = rewriter;
  const replaced = new Map<number, number>();
  for (const { kind, name, index } of module.imports) {
    if (kind !== ExternalKind.Function || !THROWING.has(name)) continue;
    const { parameters, results } = module.functionType(index);
    const types = parameters.map(({ code }) => code);
    if (types.some((type) => type !== I32) || results.length > 0) continue;
    const code = new InstructionWriter();
    code.byte(0); // no locals
    writeOpening(code, opener);
    for (let parameter = 0; parameter < types.length; parameter += 1)
      code.indexed(Opcode.LocalGet, parameter);
    code.indexed(Opcode.Call, index);
    code.byte(Opcode.End);
    // The last parameter is the site, which calls of such functions have.
    replaced.set(index, rewriter.addFunction(rewriter.addType([...types, I32], []), code.take()));
  }
  return replaced;
}
