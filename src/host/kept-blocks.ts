// Emscripten's JavaScript library allocates some blocks of the guest's heap for itself, and keeps them for good or
// until the next call: names of time zones, the result of emscripten_run_script_string(), events. Only variables of
// the library hold their addresses. A leak scan finds no pointer to such a block, and the block's stack is that of
// the program's function that called the library. Therefore this file remembers the addresses.

import { savedSet } from '../algorithms/saved.ts';
import type { RawFunction } from './entries.ts';
import type { Restorable } from './restorable.ts';

/**
 * Functions of the library that keep the blocks that they allocate. The functions of the calendar read the time zones
 * first. Emscripten marks most of the others with `__noleakcheck`.
 */
const KEEPING = new RegExp(
  `^_?(${[
    'tzset|localtime|localtime_r|mktime|timegm|strftime(_l)?',
    'gethostbyname(_r)?|gethostbyaddr|(set|get)protoent|getprotoby(name|number)',
    'emscripten_run_script_string|emscripten_get_compiler_setting|emscripten_pc_get_(function|file)',
    'emscripten_get_window_title|emscripten_set_\\w+_callback\\w*',
    // Functions of the libraries that Emscripten implements in JavaScript. They return names and versions.
    '(emscripten_)?(gl|egl|al|alc)(Get|Query)String(i(SOFT)?)?|glewGet(Error)?String|glfwGet(VersionString|Monitors?(Name)?)',
    'SDL_(GetError|GetKeyName|JoystickName|GetCurrentAudioDriver|AudioDriverName|Linked_Version)',
  ].join('|')})(_js)?$`,
);

const ALLOCATING = /^_?(emscripten_builtin_)?(malloc|calloc|memalign)$/;
const REALLOCATING = /^_?(emscripten_builtin_)?realloc$/;
const FREEING = /^_?(emscripten_builtin_)?free$/;

export class KeptBlocks implements Restorable {
  /** Addresses of the blocks that have not been freed. */
  readonly addresses = new Set<number>();
  /** Number of active calls of functions that keep the blocks that they allocate. */
  #keeping = 0;

  save(): () => void {
    return savedSet(this.addresses);
  }

  /** Watches functions of the glue that the guest will call. */
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

  /** Watches a function of the guest that the glue will call. */
  watched(name: string, call: RawFunction): RawFunction {
    if (ALLOCATING.test(name)) {
      return (...args) => {
        const address = call(...args);
        if (this.#keeping > 0) this.#keep(address);
        return address;
      };
    }
    if (REALLOCATING.test(name)) return this.#reallocating(call);
    if (FREEING.test(name)) {
      return (address) => {
        this.#forget(address);
        return call(address);
      };
    }
    return call;
  }

  /** A kept block stays kept when it moves, whoever moves it. After a failed call the old block is still valid. */
  #reallocating(call: RawFunction): RawFunction {
    return (old, size) => {
      const address = call(old, size);
      const isKept = this.addresses.has(addressOf(old));
      if (address !== 0) this.#forget(old);
      if (isKept || this.#keeping > 0) this.#keep(address);
      return address;
    };
  }

  #keep(address: unknown): void {
    if (address !== 0) this.addresses.add(addressOf(address));
  }

  #forget(address: unknown): void {
    if (this.addresses.size > 0) this.addresses.delete(addressOf(address));
  }
}

/** The glue passes addresses above 2 GiB as negative numbers. */
const addressOf = (value: unknown): number => Number(value) >>> 0;
