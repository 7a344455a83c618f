// The types of the functions that a module puts into its table. An index into the table is C's pointer to a function.

import { readModule } from '../binary/index.ts';
import { type RawFunction, type ValueType, valueTypeOf } from '../host/index.ts';

interface Signature {
  readonly name: string;
  readonly parameters: readonly ValueType[];
}

/** Names and types of the functions that are in a module's table from the start; read when somebody first asks. */
export class TableSignatures {
  #module: ReturnType<typeof readModule> | null = null;
  #names: ReadonlyMap<number, string> | null = null;

  constructor(private readonly bytes: Uint8Array) {}

  /** The signature of the function at this index. If JavaScript has put another function there, nothing is known of it. */
  at(pointer: number, raw: RawFunction): Signature {
    this.#module ??= readModule(this.bytes);
    const module = this.#module;
    const index = this.#indexOf(pointer);
    // Engines name a function by its index in its own module.
    if (index === null || raw.name !== String(index)) {
      return { name: `function pointer ${pointer}`, parameters: Array(raw.length).fill('ref') };
    }
    this.#names ??= module.functionNames();
    const { parameters } = module.functionType(index);
    return {
      name: this.#names.get(index) ?? `wasm-function[${index}]`,
      parameters: parameters.map(({ code }) => valueTypeOf(code)),
    };
  }

  /** Where the code of the function at this index begins, as sites count; null when the module put none there. */
  codeOf(pointer: number): number | null {
    this.#module ??= readModule(this.bytes);
    const module = this.#module;
    const body = (this.#indexOf(pointer) ?? -1) - module.importedFunctions;
    return body < 0 ? null : module.heads.code[body]! - module.codeStart;
  }

  #indexOf(pointer: number): number | null {
    for (const { mode, table, offset, functions } of this.#module!.elements) {
      const start = offset?.i32;
      if (mode !== 'active' || table !== 0 || start === undefined || start === null) continue;
      const index = functions[pointer - start];
      if (index !== undefined) return index;
    }
    return null;
  }
}
