// Work that waits for nothing, so that no timer ends while it runs. Someone who keeps people waiting by it can watch it: he
// is told now and then how far it is. The work says where it is between its units, such as functions, units of debug
// information or samples.
//
// A thread does one such work at a time, so it is known here who watches, and nothing has to be passed through all that
// works.

/** Told how many of how many units are done, both 0 where they are not counted. */
export type Watcher = (done: number, total: number) => void;

/** Does work of somebody else, and may watch it. */
export type Around = <T>(work: () => T) => T;

/** Milliseconds from one call of a watcher to the next. */
const PAUSE = 100;

let watcher: Watcher | null = null;
let told = 0;

/**
 * Does work and lets `by` watch it. What the watcher throws is thrown when the work is over, because work that is cut off
 * may leave a half behind.
 */
export function watched<T>(by: Watcher, work: () => T): T {
  let thrown: { readonly error: unknown } | null = null as { readonly error: unknown } | null;
  const before = watcher;
  watcher = (done, total) => {
    try {
      by(done, total);
    } catch (error) {
      thrown ??= { error };
    }
  };
  told = performance.now();
  try {
    return work();
  } finally {
    watcher = before;
    // biome-ignore lint/correctness/noUnsafeFinally: the watcher's error comes before that of the work
    if (thrown !== null) throw thrown.error;
  }
}

/** Called by work between two units, about as often as in each millisecond. */
export function unitDone(done = 0, total = 0): void {
  if (watcher === null) return;
  const now = performance.now();
  if (now - told < PAUSE) return;
  told = now;
  watcher(done, total);
}
