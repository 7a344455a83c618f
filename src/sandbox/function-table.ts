// The functions of a guest that C knows by pointers, such as callbacks that C hands to functions of the host. A function
// pointer is an index into the guest's table. The function behind it is called in the same way as an exported function:
// its arguments are checked, the call has a stack of its own, and a failure is a typed error.

import type { WasmExports } from '../binary/wasm-types.ts';
import { InvalidArgumentError, UnsupportedModuleError } from '../errors.ts';
import type { Gate, GuestFunction, RawFunction } from '../host/index.ts';
import type { TableSignatures } from './table-signatures.ts';

/** A function of the guest, called by pointer. Pointers and integers are numbers; 64-bit integers are bigints. */
export type TableFunction = (...args: (number | bigint)[]) => number | bigint | undefined;

/** Names under which toolchains export the table. */
const TABLE = '__indirect_function_table';

/** The functions that C has pointers to. A host function that C gives a callback calls `sandbox.table.get(pointer)(…)`. */
export class FunctionTable {
  readonly #table: WebAssembly.Table | null;
  readonly #signatures: TableSignatures;
  readonly #gate: Gate;
  /** The exported functions, which JavaScript may put into the table: they have a thunk of their own. */
  readonly #exported: ReadonlySet<unknown>;
  readonly #functions = new WeakMap<RawFunction, GuestFunction>();

  /** @internal Use sandbox.table. */
  constructor(exports: WasmExports, signatures: TableSignatures, gate: Gate) {
    const table =
      exports[TABLE] ?? Object.values(exports).find((value) => value instanceof WebAssembly.Table);
    this.#table = table instanceof WebAssembly.Table ? table : null;
    this.#signatures = signatures;
    this.#gate = gate;
    this.#exported = new Set(Object.values(exports));
  }

  /** One more than the largest function pointer. */
  get length(): number {
    return this.#open().length;
  }

  /**
   * The function that C calls by this pointer; the same object every time. A wrong argument is an InvalidArgumentError,
   * a trap is a TrapError.
   */
  get(pointer: number): TableFunction {
    const table = this.#open();
    if (!Number.isInteger(pointer)) {
      throw new InvalidArgumentError(
        'pointer',
        `table.get() takes a function pointer, a whole number, not ${typeof pointer === 'number' ? pointer : `a value of type ${typeof pointer}`}.`,
      );
    }
    // Glue may have replaced the table's methods by its own.
    const raw: unknown =
      pointer >= 0 && pointer < table.length ? WebAssembly.Table.prototype.get.call(table, pointer) : null;
    if (typeof raw !== 'function') {
      throw new InvalidArgumentError(
        'pointer',
        `${pointer === 0 ? 'NULL' : `${pointer}`} is not a pointer to a function of the guest.`,
      );
    }
    return this.#functionOf(pointer, raw as RawFunction) as unknown as TableFunction;
  }

  #functionOf(pointer: number, raw: RawFunction): GuestFunction {
    let found = this.#functions.get(raw);
    if (found === undefined) {
      const { name, parameters } = this.#signatures.at(pointer, raw);
      found = this.#exported.has(raw)
        ? this.#gate.wrap(name, this.#gate.limited(raw), parameters)
        : this.#gate.wrapIndirect(name, raw, parameters);
      this.#functions.set(raw, found);
    }
    return found;
  }

  #open(): WebAssembly.Table {
    if (this.#table !== null) return this.#table;
    throw new UnsupportedModuleError(
      'The module does not export its function table: link it with --export-table (or -Wl,--export-table).',
    );
  }
}
