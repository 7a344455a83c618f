// C++ exceptions as Emscripten makes them without WebAssembly's own: its glue throws the address of the exception, a
// bare number, and since 5.0.5 an object around it. The functions of the glue that throw are watched, so that what
// they throw is told from what a function of the caller's has thrown, and so that there is a stack.
//
// Without -fexceptions nothing in the guest can catch, so the first throw is the last, and its stack is kept. With it
// exceptions may be common and their stacks dear: then none is.

import { INVOKE } from './host-stacks.ts';
import { readGuestStack } from './traps.ts';

/** Functions of the glue that throw C++ exceptions. */
const THROWING = new Set([
  '__cxa_throw',
  '__cxa_rethrow',
  '__cxa_rethrow_primary_exception',
  '__resumeException',
]);

/** A C++ exception that left the guest. */
export interface CxxException {
  /** Whether anything in the guest could have caught it. */
  readonly catchable: boolean;
  /** Where it was thrown, as in `GuestStack`; empty when that was not kept. */
  readonly offsets: readonly number[];
}

/** The exceptions of one guest. */
export class CxxExceptions {
  #catchable = false;
  #thrown: unknown;
  #offsets: readonly number[] = [];

  /** The functions that the glue gives the guest, those that throw being watched from now on. */
  watch<Value>(functions: Readonly<Record<string, Value>>): Record<string, Value> {
    if (Object.keys(functions).some((name) => INVOKE.test(name))) this.#catchable = true;
    const watched: Record<string, unknown> = { ...functions };
    for (const [name, value] of Object.entries(functions)) {
      if (!THROWING.has(name) || typeof value !== 'function') continue;
      const original = value as (...args: unknown[]) => unknown;
      watched[name] = (...args: unknown[]) => {
        try {
          return original(...args);
        } catch (error) {
          this.#thrown = error;
          if (!this.#catchable) this.#offsets = readGuestStack(new Error()).offsets;
          throw error;
        }
      };
    }
    return watched as Record<string, Value>;
  }

  /** What is known of an error that came out of the guest; null when it is no C++ exception of the guest's. */
  read(error: unknown): CxxException | null {
    return this.#thrown !== undefined && error === this.#thrown
      ? { catchable: this.#catchable, offsets: this.#offsets }
      : null;
  }
}
