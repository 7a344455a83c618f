// A limit of time for calls into a guest that may loop for ever, because it runs on memory that it has written over. V8
// stops loops in WebAssembly, too, when the script that they were called from has used up its time.

import { Script } from 'node:vm';

/** Where the script finds what it is to run. */
const WORK = Symbol.for('heapline.limited');
const script = new Script(`globalThis[Symbol.for('heapline.limited')]()`, { filename: 'heapline:limited' });

/**
 * Runs `work`, which is stopped after so many milliseconds.
 * @returns false when it was stopped; no `finally` in it has run then
 */
export function withinTime(milliseconds: number, work: () => void): boolean {
  const world = globalThis as { [WORK]?: () => void };
  world[WORK] = work;
  try {
    script.runInThisContext({ timeout: milliseconds, displayErrors: false });
    return true;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  } finally {
    delete world[WORK];
  }
}
