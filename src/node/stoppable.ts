// Stops work that never returns to JavaScript, such as C that loops, sleeps or reads. V8 stops a script of node:vm
// after a time or at Ctrl-C. It also stops everything that the script has called, in WebAssembly and in Atomics.wait
// as well.

import { Script } from 'node:vm';

/** When to stop: after so many milliseconds, or at SIGINT. */
export type StopAt = { readonly timeout: number } | { readonly breakOnSigint: true };

/** Where the script finds its work. A script can see nothing but globals. */
const WORK = Symbol.for('heapline.stoppable');
const script = new Script(`globalThis[Symbol.for('heapline.stoppable')]()`, {
  // Stacks leave out what Node.js itself runs.
  filename: 'node:heapline-stoppable',
});
const STOPPED = new Set(['ERR_SCRIPT_EXECUTION_TIMEOUT', 'ERR_SCRIPT_EXECUTION_INTERRUPTED']);

let world: object | undefined;

/** The global object that scripts see. Test runners give their tests other ones. */
export function mainWorld(): object {
  world ??= new Script('globalThis').runInThisContext() as object;
  return world;
}

/**
 * Runs `work` and returns its result. When the engine stops the work, no frame of the work notices, not even a
 * `finally`, and the result is that of `stopped`.
 */
export function stoppable<T>(work: () => T, stopAt: StopAt, stopped: () => T): T {
  const main = mainWorld() as { [WORK]?: () => unknown };
  const outer = main[WORK];
  main[WORK] = work;
  try {
    return script.runInThisContext({ ...stopAt, displayErrors: false }) as T;
  } catch (error) {
    if (!STOPPED.has(String((error as { code?: unknown } | null)?.code))) throw error;
    return stopped();
  } finally {
    if (outer === undefined) delete main[WORK];
    else main[WORK] = outer;
  }
}
