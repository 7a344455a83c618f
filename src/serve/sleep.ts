// A wait that a signal can end early.

import { LONGEST_TIMER } from '../options/longest-timer.ts';

/** Waits; the result is false when the signal came first. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  for (let left = milliseconds; left > 0 && !signal.aborted; left -= LONGEST_TIMER) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(left, LONGEST_TIMER));
      signal.addEventListener('abort', done);
    });
  }
  return !signal.aborted;
}
