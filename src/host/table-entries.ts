// The guest's function table as JavaScript sees it. What JavaScript takes out of it is called from JavaScript, so each
// function comes out as an entry: it gets the host's slot, which an exported function gets from its thunk. The guest's
// own indirect calls go to the functions themselves.
//
// The object stays the engine's own table, with methods of its own in front of those of its prototype: it can be handed
// to other instances, and glue of any kind finds what it expects. A function comes out as the same object every time,
// and may be put back, because glue keeps maps of functions (addFunction).

import type { RawFunction } from './entries.ts';

/** Stands for a function of the guest where JavaScript calls it. */
type Stand = (raw: RawFunction) => RawFunction;

type Table = WebAssembly.Table;

/** Classes of errors in the world of the JavaScript that a table is for. */
export interface ErrorClasses {
  readonly TypeError: new (message: string) => Error;
  readonly RangeError: new (message: string) => Error;
}

/** The functions of one guest that JavaScript holds, and what they stand for. */
export class TableEntries {
  readonly #standIn = new WeakMap<RawFunction, RawFunction>();
  readonly #real = new WeakMap<RawFunction, RawFunction>();

  /** @param stand makes the function that stands for one out of the table */
  constructor(private readonly stand: Stand) {}

  /** Makes `standIn` known as what JavaScript has in place of an exported function, so that it may be put into a table. */
  add(real: RawFunction, standIn: RawFunction): void {
    this.#standIn.set(real, standIn);
    this.#real.set(standIn, real);
  }

  /** What stands for a function of the guest; always the same. */
  standInOf(real: RawFunction): RawFunction {
    let standIn = this.#standIn.get(real);
    if (standIn === undefined) {
      standIn = this.stand(real);
      this.add(real, standIn);
    }
    return standIn;
  }

  /**
   * From now on this table gives entries and takes them.
   * @param errors of the world that it is for: glue asks what class of error it has caught
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
      // A value that is not given is the table's default: the engine counts arguments.
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
