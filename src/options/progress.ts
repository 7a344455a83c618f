// Progress of long work: what a callback `onProgress` is told. Everything that takes long tells it through this shape,
// and the command and `compileAhead()` make their lines of it.

import { watched } from '../algorithms/watched-work.ts';
import { callback } from './option-rules.ts';
import type { OptionRule } from './option-table.ts';

/**
 * A step that may take long:
 * - `compile`: a source is compiled; `detail` is its path, and `done` and `total` count the sources to be compiled;
 * - `link`: the objects are linked;
 * - `instrument`: call-site slots, and checks of accesses where they are asked for, are put into a module; `done` and
 *   `total` count the functions that are checked;
 * - `graft`: the same for a module that was linked without the runtime: its allocator is recognised and tried out, and
 *   the runtime is put in its place, first;
 * - `read symbols`: names, lines and types are read from a module's debug information, and its code is searched for
 *   functions that allocate for others;
 * - `sweep`: an allocation fails; `done` and `total` count the runs.
 *
 * `detail` of the steps of a module is its name.
 */
export type ProgressStep = 'compile' | 'link' | 'graft' | 'instrument' | 'read symbols' | 'sweep';

/** What is being done. */
export interface Progress {
  /** The step that begins or goes on. */
  readonly step: ProgressStep;
  /** The file or module that it is about. */
  readonly detail?: string;
  /** How many units of a step that is counted are done. */
  readonly done?: number;
  /** How many units there are in all. */
  readonly total?: number;
}

/** Called at the beginning of each step and, at most ten times in a second, while one goes on. */
export type OnProgress = (progress: Progress) => void;

/** The option of everything that takes long. */
export const onProgress: OptionRule<OnProgress> = callback();

/** Does a step that waits for nothing, of which was told that it begins, and tells that it goes on. */
export function goingOn<T>(told: OnProgress, progress: Progress, work: () => T): T {
  return watched((done, total) => told(total === 0 ? progress : { ...progress, done, total }), work);
}

/**
 * Does work that others may wait for as well. What the callback throws is thrown at the caller who gave it, when the work
 * is over: the work goes on for the others.
 */
export async function whileTelling<T>(told: OnProgress, work: (tell: OnProgress) => Promise<T>): Promise<T> {
  let thrown: { readonly error: unknown } | null = null as { readonly error: unknown } | null;
  const tell: OnProgress = (progress) => {
    try {
      told(progress);
    } catch (error) {
      thrown ??= { error };
    }
  };
  const [outcome] = await Promise.allSettled([work(tell)]);
  if (thrown !== null) throw thrown.error;
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
