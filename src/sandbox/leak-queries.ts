// Questions about leaks: of the whole run, or since a mark. A capture of the heap becomes a report together with the
// faults and the failed allocations of the same time.

import { HeapMark } from '../leaks/index.ts';
import { type LeakReport, type Suppression, suppress } from '../report/index.ts';
import type { Session } from './session.ts';

/** The leaks as the program left them, or the present leaks once the heap or the held pointers have changed. */
export function leaksNow(session: Session, suppressions: readonly Suppression[]): LeakReport {
  const { leaks, program, stacks } = session;
  const atEnd = program.atEnd?.leaks ?? null;
  const capture = atEnd !== null && atEnd.heldVersion === leaks.held.version ? atEnd : leaks.capture();
  return suppress(leaks.report(capture, stacks.faults(), stacks.failures()), suppressions);
}

/** The leaks among the blocks that were allocated since the mark. */
export function leaksAfter(
  session: Session,
  mark: HeapMark,
  suppressions: readonly Suppression[],
): LeakReport {
  const { leaks, stacks } = session;
  const capture = leaks.capture(mark.allocObjects);
  const failures = stacks.failures(mark.failures);
  return suppress(leaks.report(capture, stacks.faults(mark.faults), failures), suppressions);
}

/** Remembers this moment. */
export function markNow(session: Session): HeapMark {
  const { allocObjects, allocBytes, liveObjects, liveBytes } = session.ledger.totals();
  const { events, leaks } = session;
  return new HeapMark(
    session,
    allocObjects,
    allocBytes,
    liveObjects,
    liveBytes,
    events.faults.length,
    leaks.traps,
    events.mark(),
  );
}
