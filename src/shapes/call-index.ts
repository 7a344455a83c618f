// Who calls whom in a module: the direct callers of each function, and the functions that call through tables, by type.

import { unitDone } from '../algorithms/watched-work.ts';
import { Opcode, peekU32, skipInstruction, type TypeDefinition, type WasmModule } from '../binary/index.ts';

export interface CallIndex {
  /** Functions with a body that call each function directly. */
  readonly callers: ReadonlyMap<number, readonly number[]>;
  /** Functions that call through tables, by the number of the signature. */
  readonly indirectCallers: ReadonlyMap<number, readonly number[]>;
  /** Functions whose references are taken: tables may have them. */
  readonly referenced: ReadonlySet<number>;
  /** The number of the signature of each type. Types that look alike have the same number. */
  readonly signatures: readonly number[];
}

/** Reads the calls of all functions. */
export function indexCalls(module: WasmModule): CallIndex {
  const { bytes } = module;
  const signatures = numbered(module.types);
  const callers = new Map<number, number[]>();
  const indirectCallers = new Map<number, number[]>();
  const referenced = new Set(module.referencedFunctions);
  module.bodies.forEach(({ end }, body) => {
    unitDone();
    const index = module.importedFunctions + body;
    for (let at = module.heads.code[body]!; at < end; at = skipInstruction(bytes, at, end)) {
      switch (bytes[at]!) {
        case Opcode.Call:
        case Opcode.ReturnCall:
          add(callers, peekU32(bytes, at + 1), index);
          break;
        case Opcode.CallIndirect:
        case Opcode.ReturnCallIndirect:
          add(indirectCallers, signatures[peekU32(bytes, at + 1)] ?? -1, index);
          break;
        case Opcode.RefFunc:
          referenced.add(peekU32(bytes, at + 1));
      }
    }
  });
  return { callers, indirectCallers, referenced, signatures };
}

function add(lists: Map<number, number[]>, key: number, index: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [index]);
  else if (list.at(-1) !== index) list.push(index);
}

function numbered(types: readonly TypeDefinition[]): number[] {
  const numbers = new Map<string, number>();
  return types.map(({ kind, parameters, results }) => {
    const key = `${kind} ${parameters.map(({ code }) => code).join()}>${results.map(({ code }) => code).join()}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}
