// Work that is measured while it runs, once (a scope) or again and again (growth). Work may be asynchronous: then the
// measurement ends when the promise settles.

import { isPromise } from '../algorithms/is-promise.ts';
import { CorruptLedgerError } from '../errors.ts';
import { allocatedSince, type GrowthMeter, type GrowthReport, type ScopeResult } from '../leaks/index.ts';
import type { Suppression } from '../report/index.ts';
import { leaksAfter, markNow } from './leak-queries.ts';
import type { Session } from './session.ts';

/** Runs the work in a scope: what it allocated, what it held at most, and what it left behind. */
export function runInScope<T>(
  session: Session,
  work: () => T | PromiseLike<T>,
  suppressions: readonly Suppression[],
): ScopeResult<T> | Promise<ScopeResult<T>> {
  const mark = markNow(session);
  const { peaks, ledger } = session;
  const peak = peaks.open();
  const finish = (result: T): ScopeResult<T> => {
    peaks.close(peak);
    const { objects, bytes } = peak.highest;
    session.check('heap.leaksSince');
    return {
      result,
      leaks: leaksAfter(session, mark, suppressions),
      allocated: allocatedSince(mark, ledger.totals()),
      peak:
        bytes > mark.inUseBytes
          ? { objects: Math.max(0, objects - mark.inUseObjects), bytes: bytes - mark.inUseBytes }
          : { objects: 0, bytes: 0 },
    };
  };
  // Work that has failed and ruined the heap as well is reported by its own error, not by that of the heap.
  const fail = (error: unknown): never => {
    try {
      peaks.close(peak);
    } catch (damage) {
      if (!(damage instanceof CorruptLedgerError)) throw damage;
    }
    throw error;
  };
  let result: T | PromiseLike<T>;
  try {
    result = work();
  } catch (error) {
    return fail(error);
  }
  if (!isPromise(result)) return finish(result);
  return Promise.resolve(result).then(finish, fail);
}

/** Runs the work as often as the meter wants: what each run leaves behind once the heap has settled. */
export function runForGrowth(
  session: Session,
  work: () => unknown,
  meter: GrowthMeter,
): GrowthReport | Promise<GrowthReport> {
  const { ledger, stacks } = session;
  const last = meter.warmup + meter.runs;
  const observe = (run: number): void => {
    session.check('heap.growth');
    meter.observe(run, ledger.totals(), () => ledger.snapshot());
  };
  const beforeRun = (run: number): void => {
    if (run === meter.warmup + 1) observe(0);
  };
  const afterRun = (run: number): void => {
    if (run > meter.warmup) observe(run - meter.warmup);
  };
  const report = (): GrowthReport => meter.report(ledger.snapshot(), stacks.contexts());
  const rest = async (pending: PromiseLike<unknown>, from: number): Promise<GrowthReport> => {
    await pending;
    afterRun(from);
    for (let run = from + 1; run <= last; run++) {
      beforeRun(run);
      await work();
      afterRun(run);
    }
    return report();
  };
  for (let run = 1; run <= last; run++) {
    beforeRun(run);
    const result = work();
    if (isPromise(result)) return rest(result, run);
    afterRun(run);
  }
  return report();
}
