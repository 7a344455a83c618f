// What the instructions of each function say without being run: the constants, the places in memory that they name, and
// whom they call. Roles, the heap's place and the closure check are judged by these facts.

import { unitDone } from '../algorithms/watched-work.ts';
import { Opcode, peekI32, skipInstruction, skipLeb, type WasmModule } from '../binary/index.ts';
import { InvalidModuleError } from '../errors.ts';

const LAST_MEMORY_ACCESS = 0x3e;
/** Opcodes from here on have a second one behind them: bulk memory, vectors, atomics. */
const FIRST_PREFIX = 0xfb;

/** Addresses below are offsets in structures. */
const LEAST_ADDRESS = 1024;
const INDIRECT: ReadonlySet<number> = new Set([
  Opcode.CallIndirect,
  Opcode.ReturnCallIndirect,
  Opcode.CallRef,
  Opcode.ReturnCallRef,
]);

/** Facts about one function. */
export interface FunctionFacts {
  readonly index: number;
  /** Constants, without those that are arguments only. */
  readonly constants: ReadonlySet<number>;
  /** Constants that are the last argument of a call: the value, and the functions that get it. */
  readonly arguments: ReadonlyMap<number, readonly number[]>;
  /** Offsets of loads and stores. */
  readonly offsets: ReadonlySet<number>;
  readonly calls: ReadonlySet<number>;
  /** Calls functions that only its run time knows: through tables and references. */
  readonly callsIndirectly: boolean;
  /** Writes to memory or to a global, or has instructions that might. */
  readonly writes: boolean;
  readonly readsMemorySize: boolean;
  readonly growsMemory: boolean;
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
  const given = new Map<number, number[]>();
  const offsets = new Set<number>();
  const calls = new Set<number>();
  let callsIndirectly = false;
  let writes = false;
  let readsMemorySize = false;
  let growsMemory = false;
  for (let at = module.heads.code[body]!; at < end; ) {
    const opcode = bytes[at]!;
    const next = skipInstruction(bytes, at, end);
    if (opcode === Opcode.I32Const) {
      const value = peekI32(bytes, at + 1);
      if (bytes[next] === Opcode.Call)
        given.set(value, [...(given.get(value) ?? []), peekUnsigned(bytes, next + 1)]);
      else constants.add(value);
    } else if (opcode === Opcode.Call || opcode === Opcode.ReturnCall) calls.add(peekUnsigned(bytes, at + 1));
    else if (INDIRECT.has(opcode)) callsIndirectly = true;
    else if (opcode >= Opcode.I32Load && opcode <= LAST_MEMORY_ACCESS) {
      offsets.add(peekUnsigned(bytes, skipLeb(bytes, at + 1)));
      writes ||= opcode >= Opcode.I32Store;
    } else if (opcode === Opcode.GlobalSet || opcode >= FIRST_PREFIX) writes = true;
    else if (opcode === Opcode.MemorySize) readsMemorySize = true;
    else if (opcode === Opcode.MemoryGrow) growsMemory = true;
    at = next;
  }
  const index = module.importedFunctions + body;
  for (const callee of calls) {
    if (callee >= module.functions.length)
      throw new InvalidModuleError(`function ${index} calls function ${callee}, which does not exist`);
  }
  return {
    index,
    constants,
    arguments: given,
    offsets,
    calls,
    callsIndirectly,
    writes,
    readsMemorySize,
    growsMemory,
  };
}

/**
 * Static places that a function names. A constant that another function gets may be a number of another kind, a line
 * for example: it counts when `getsPlaces` says that the other one works with places.
 */
export function placesIn(
  facts: FunctionFacts,
  [start, end]: readonly [number, number],
  getsPlaces: (callee: number) => boolean,
): Set<number> {
  const places = new Set<number>();
  const add = (value: number): void => {
    const address = value >>> 0;
    if (address >= Math.max(start, LEAST_ADDRESS) && address < end && address % 4 === 0) places.add(address);
  };
  for (const value of facts.constants) add(value);
  for (const value of facts.offsets) add(value);
  for (const [value, callees] of facts.arguments) if (callees.some(getsPlaces)) add(value);
  return places;
}

/** Facts about every function with a body, in their order. */
export function readFacts(module: WasmModule): FunctionFacts[] {
  return module.bodies.map((_, body) => {
    unitDone();
    return factsOf(module, body);
  });
}
