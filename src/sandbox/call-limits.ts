// Work within limits of its own: a time, and a signal that ends waiting. C that runs is stopped by the engine; of async
// work, what is stopped is the waiting, and the timers of the guest.

import { isPromise } from '../algorithms/is-promise.ts';
import { TimeoutError } from '../errors.ts';
import { isObject, rule } from '../options/option-rules.ts';
import { type OptionTable, readOptions } from '../options/option-table.ts';
import { checkFunction } from './arguments.ts';
import { checkThatCallsCanBeStopped } from './boundary.ts';
import { milliseconds } from './sandbox-options.ts';
import type { Session } from './session.ts';

/** Limits of some work. */
export interface CallLimits {
  /**
   * Most milliseconds that the work may take. A call into the guest is then stopped with a TimeoutError, which has the C
   * stack.
   */
  readonly timeout?: number;
  /** Ends async work when it is aborted. A call that runs cannot be aborted, because nobody can abort meanwhile. */
  readonly signal?: AbortSignal;
}

export const CALL_LIMITS = {
  timeout: milliseconds,
  signal: rule<AbortSignal>(
    (value) => isObject(value) && typeof (value as Partial<AbortSignal>).throwIfAborted === 'function',
    'an AbortSignal',
  ),
} satisfies OptionTable<CallLimits>;

/** Timers that a test's fake clock does not stop. */
const { setTimeout, clearTimeout } = globalThis;

/** Runs work within these limits. @param caller the function that messages name */
export function runWithin<T>(
  session: Session,
  caller: string,
  limits: CallLimits,
  work: () => T | PromiseLike<T>,
): T | Promise<T> {
  const { timeout, signal } = readOptions(caller, limits, CALL_LIMITS);
  checkFunction('work', work);
  signal?.throwIfAborted();
  const { boundary, gate } = session;
  const limit = `${caller}()`;
  let result: T | PromiseLike<T>;
  if (timeout === undefined) result = work();
  else {
    checkThatCallsCanBeStopped();
    result = gate.within(timeout, work, (stack) => {
      session.leaks.traps++;
      return boundary.late(timeout, stack, limit);
    });
  }
  if (!isPromise(result)) return result;
  return waitWithin(session, limit, { timeout, signal }, result);
}

/** Waits for a promise within these limits. When they are over, nothing of the guest that was to run later runs. */
async function waitWithin<T>(
  { loop }: Session,
  limit: string,
  { timeout, signal }: { readonly timeout: number | undefined; readonly signal: AbortSignal | undefined },
  pending: PromiseLike<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: () => void = () => {};
  const over = new Promise<never>((_, reject) => {
    const end = (reason: unknown): void => {
      loop.cancel();
      reject(reason);
    };
    if (timeout !== undefined) timer = setTimeout(() => end(lateToSettle(timeout, limit)), timeout);
    stop = () => end(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([pending, over]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function lateToSettle(timeout: number, limit: string): TimeoutError {
  return new TimeoutError(
    `The work has not ended after ${timeout} ms, which ${limit} allows, and no C was running then. Raise the limit if it ` +
      'only needs more time; otherwise see what it waits for: a timer, a main loop, or a promise of your own.',
    timeout,
    [],
  );
}
