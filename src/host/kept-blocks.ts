// Blocks of the guest's heap that Emscripten's JavaScript library takes for itself, once or until the next call, and
// whose addresses only its variables hold: names of time zones, the result of emscripten_run_script_string(), events. A
// leak scan finds no pointer to them, and their stack is that of whoever called the library; so their addresses are
// remembered.

import type { RawFunction } from './entries.ts';

/** Functions of the library that keep what they allocate. Those of the calendar read the time zones first. */
const KEEPING =
  /^_?(tzset|localtime|localtime_r|mktime|timegm|strftime(_l)?|emscripten_run_script_string|gethostbyname(_r)?|gethostbyaddr|(set|get)protoent|getprotoby(name|number)|emscripten_get_compiler_setting|emscripten_pc_get_(function|file)|emscripten_get_window_title|emscripten_set_\w+_callback\w*)(_js)?$/;

const ALLOCATING = /^_?(emscripten_builtin_)?(malloc|memalign)$/;
const FREEING = /^_?(emscripten_builtin_)?free$/;

export class KeptBlocks {
  /** Addresses of those that have not been freed. */
  readonly addresses = new Set<number>();
  /** Calls of functions that keep what they allocate. */
  #keeping = 0;

  /** The glue's functions, as the guest is to call them. */
  watchImports(functions: Record<string, WebAssembly.ImportValue>): void {
    for (const [name, value] of Object.entries(functions)) {
      if (typeof value !== 'function' || !KEEPING.test(name)) continue;
      const original = value as RawFunction;
      functions[name] = (...args: unknown[]) => {
        this.#keeping++;
        try {
          return original(...args);
        } finally {
          this.#keeping--;
        }
      };
    }
  }

  /** A function of the guest, as the glue is to call it. */
  watched(name: string, call: RawFunction): RawFunction {
    if (ALLOCATING.test(name)) {
      return (...args) => {
        const address = call(...args);
        if (this.#keeping > 0 && address !== 0) this.addresses.add(Number(address) >>> 0);
        return address;
      };
    }
    if (FREEING.test(name)) {
      return (address) => {
        if (this.addresses.size > 0) this.addresses.delete(Number(address) >>> 0);
        return call(address);
      };
    }
    return call;
  }
}
