// The guest's function table as JavaScript sees it. JavaScript calls the functions that it takes out of the table, so
// each function comes out as an entry: it writes the host's slot, which an exported function gets from its thunk. The
// guest's own indirect calls reach the functions themselves.
//
// The object stays the engine's own table and gets methods of its own in front of those of its prototype. So it can
// be given to other instances, and any kind of glue finds what it expects. A function comes out as the same object
// every time, and it may be put back, because glue keeps maps of functions (addFunction).

import type { RawFunction } from './entries.ts';

/** What JavaScript calls in place of a guest's function. */
type Stand = (raw: RawFunction) => RawFunction;

type Table = WebAssembly.Table;

/** Classes of errors in the world of the JavaScript that uses a table. */
export interface ErrorClasses {
  readonly TypeError: new (message: string) => Error;
  readonly RangeError: new (message: string) => Error;
}

/** The functions of one guest that JavaScript holds, and the guest's functions that they stand for. */
export class TableEntries {
  readonly #standIn = new WeakMap<RawFunction, RawFunction>();
  readonly #real = new WeakMap<RawFunction, RawFunction>();

  /** @param stand makes the stand-in of a function from the table */
  constructor(private readonly stand: Stand) {}

  /** Registers the stand-in that JavaScript has for an exported function, so that it may be put into a table. */
  add(real: RawFunction, standIn: RawFunction): void {
    this.#standIn.set(real, standIn);
    this.#real.set(standIn, real);
  }

  /** The stand-in of a guest's function: the same object every time. */
  standInOf(real: RawFunction): RawFunction {
    let standIn = this.#standIn.get(real);
    if (standIn === undefined) {
      standIn = this.stand(real);
      this.add(real, standIn);
    }
    return standIn;
  }

  /**
   * From now on this table returns entries and accepts them.
   * @param errors classes of the world that uses the table, because glue asks for the class of an error that it caught
   */
  watch(table: Table, errors: ErrorClasses): void {
    const { get, set, grow } = WebAssembly.Table.prototype;
    const realOf = (value: unknown): unknown =>
      typeof value === 'function' ? (this.#real.get(value as RawFunction) ?? value) : value;
    const own = {
      get: (index: number): unknown => {
        const found: unknown = get.call(table, index);
        return typeof found === 'function' ? this.standInOf(found as RawFunction) : found;
      },
      // The engine counts arguments: without a value it uses the table's default.
      set: (index: number, ...value: unknown[]): void => set.call(table, index, ...value.map(realOf)),
      grow: (delta: number, ...value: unknown[]): number => grow.call(table, delta, ...value.map(realOf)),
    };
    for (const [name, method] of Object.entries(own) as [string, RawFunction][]) {
      const value = (...args: unknown[]): unknown => {
        try {
          return method(...args);
        } catch (error) {
          if (error instanceof TypeError) throw new errors.TypeError(error.message);
          if (error instanceof RangeError) throw new errors.RangeError(error.message);
          throw error;
        }
      };
      Object.defineProperty(table, name, { value, configurable: true, writable: true });
    }
  }
}
