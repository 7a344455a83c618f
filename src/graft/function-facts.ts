// What the instructions of each function say without being run: the constants, the places in memory that they name, and
// whom they call. Roles, the heap's place and the closure check are judged by these facts.

import { Opcode, skipInstruction, skipLeb, type WasmModule } from '../binary/index.ts';

const MEMORY_SIZE = 0x3f;
const MEMORY_GROW = 0x40;
const LAST_MEMORY_ACCESS = 0x3e;

/** Facts about one function. */
export interface FunctionFacts {
  readonly index: number;
  readonly constants: ReadonlySet<number>;
  /** Offsets of loads and stores. */
  readonly offsets: ReadonlySet<number>;
  readonly calls: ReadonlySet<number>;
  readonly readsMemorySize: boolean;
  readonly growsMemory: boolean;
}

/** Value of the signed 32-bit LEB128 integer at `offset`. */
function peekS32(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let shift = 0, at = offset; shift < 35; shift += 7, at += 1) {
    const byte = bytes[at] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    return shift < 25 && (byte & 0x40) !== 0 ? value | (-1 << (shift + 7)) : value;
  }
  return value;
}

/** Value of the unsigned LEB128 integer at `offset`. */
function peekUnsigned(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let scale = 1, at = offset; scale < 2 ** 49; scale *= 128, at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value;
}

function factsOf(module: WasmModule, body: number): FunctionFacts {
  const { bytes } = module;
  const { end } = module.bodies[body]!;
  const constants = new Set<number>();
  const offsets = new Set<number>();
  const calls = new Set<number>();
  let readsMemorySize = false;
  let growsMemory = false;
  for (let at = module.heads.code[body]!; at < end; ) {
    const opcode = bytes[at]!;
    const next = skipInstruction(bytes, at, end);
    if (opcode === Opcode.I32Const) constants.add(peekS32(bytes, at + 1));
    else if (opcode === Opcode.Call || opcode === Opcode.ReturnCall) calls.add(peekUnsigned(bytes, at + 1));
    else if (opcode >= Opcode.I32Load && opcode <= LAST_MEMORY_ACCESS) {
      offsets.add(peekUnsigned(bytes, skipLeb(bytes, at + 1)));
    } else if (opcode === MEMORY_SIZE) readsMemorySize = true;
    else if (opcode === MEMORY_GROW) growsMemory = true;
    at = next;
  }
  const index = module.importedFunctions + body;
  return { index, constants, offsets, calls, readsMemorySize, growsMemory };
}

/** Facts about every function with a body, in their order. */
export function readFacts(module: WasmModule): FunctionFacts[] {
  return module.bodies.map((_, body) => factsOf(module, body));
}
