// Work that can be stopped although it never returns to JavaScript: C that loops, sleeps or reads. V8 stops a script of
// node:vm after a time, or at Ctrl-C, and with it whatever the script has called, in WebAssembly and in Atomics.wait, too.

import { Script } from 'node:vm';

/** When to stop: after so many milliseconds, or at SIGINT. */
export type StopAt = { readonly timeout: number } | { readonly breakOnSigint: true };

/** Where the script finds what it is to run: a script has globals alone. */
const WORK = Symbol.for('heapline.stoppable');
const script = new Script(`globalThis[Symbol.for('heapline.stoppable')]()`, {
  filename: 'heapline:stoppable',
});
const STOPPED = new Set(['ERR_SCRIPT_EXECUTION_TIMEOUT', 'ERR_SCRIPT_EXECUTION_INTERRUPTED']);

/**
 * Runs `work` and gives what it returns. Where it was stopped, the result is what `stopped` returns: then no frame of the
 * work has seen that, not even a `finally`.
 */
export function stoppable<T>(work: () => T, stopAt: StopAt, stopped: () => T): T {
  const world = globalThis as { [WORK]?: () => unknown };
  const outer = world[WORK];
  world[WORK] = work;
  try {
    return script.runInThisContext({ ...stopAt, displayErrors: false }) as T;
  } catch (error) {
    if (!STOPPED.has(String((error as { code?: unknown } | null)?.code))) throw error;
    return stopped();
  } finally {
    if (outer === undefined) delete world[WORK];
    else world[WORK] = outer;
  }
}
